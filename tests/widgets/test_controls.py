import ipywidgets
import pytest
import traitlets

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.widgets.controls import bind, dropdown, fraction_slider, index_slider
from nnviz_widgets.widgets.validated import Refused, validate


class Owner(traitlets.HasTraits):
    number = traitlets.Int(3)
    other = traitlets.Int(0)

    @validate("number")
    def _even(self, proposal):
        if proposal["value"] == 5:
            raise NnvizError("index_type", value=5) from KeyError("why")
        return proposal["value"]


def test_a_trait_and_its_control_stay_equal():
    owner, refused = Owner(), []
    slider = ipywidgets.IntSlider(max=9)
    bind(owner, "number", slider, refused.append)
    assert slider.value == 3
    owner.number = 7
    assert slider.value == 7
    slider.value = 2
    assert owner.number == 2
    assert refused == []


def test_a_refused_value_goes_back():
    owner, refused = Owner(), []
    slider = ipywidgets.IntSlider(max=9)
    bind(owner, "number", slider, refused.append)
    slider.value = 5
    assert (slider.value, owner.number) == (3, 3)
    assert [error.code for error in refused] == ["index_type"]
    slider.value = 6
    assert owner.number == 6


def test_a_refused_value_is_an_error_of_ours_and_of_traitlets():
    with pytest.raises(Refused) as caught:
        Owner().number = 5
    assert isinstance(caught.value, NnvizError)
    assert isinstance(caught.value, traitlets.TraitError)
    assert isinstance(caught.value.__cause__, KeyError)
    assert str(caught.value) == str(NnvizError("index_type", value=5))


def change_both(owner):
    with owner.hold_trait_notifications():
        owner.other = 1
        owner.number = 5


def test_what_changes_beside_a_refused_value_is_taken_back():
    owner = Owner()
    with pytest.raises(NnvizError):
        change_both(owner)
    assert (owner.number, owner.other) == (3, 0)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_controls_have_words_and_tips(language):
    controls = [
        dropdown(language, "layer", [("a", 1)]),
        dropdown(language, "scale", [("a", 1)], tip="maps_scale_tip"),
        index_slider(language, "channel", 7),
        fraction_slider(language, "overlay"),
    ]
    for control in controls:
        assert control.description
        assert control.tooltip
    assert (controls[2].min, controls[2].max, controls[3].max) == (0, 7, 1.0)
    assert controls[0].value is None
