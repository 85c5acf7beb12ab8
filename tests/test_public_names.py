import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import nnviz_widgets
from nnviz_widgets import methods

NAMES = [
    "ActivationMaps",
    "Ascent",
    "AscentColumns",
    "AscentSheet",
    "Camera",
    "DeepDream",
    "EmbeddingMap",
    "Engine",
    "Filters",
    "GradCam",
    "ImageSet",
    "Neighbours",
    "NnvizError",
    "Objective",
    "Occlusion",
    "Saliency",
    "TopPatches",
    "Training",
    "channel",
    "direction",
    "layer_energy",
    "load",
    "logit",
    "neuron",
    "sample",
    "set_language",
]


def test_the_public_names_are_these():
    assert nnviz_widgets.__all__ == NAMES
    assert sorted(NAMES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_is_there_and_lives_where_it_is_said_to(name):
    value = getattr(nnviz_widgets, name)
    home = importlib.import_module(f"nnviz_widgets.{nnviz_widgets._HOMES[name]}")
    assert value is getattr(home, name)
    assert value.__doc__


def test_dir_lists_them():
    assert set(NAMES) <= set(dir(nnviz_widgets))
    assert dir(nnviz_widgets) == sorted(dir(nnviz_widgets))


@pytest.mark.parametrize("name", ["Filter", "activations", "__wrapped__", "_nothing"])
def test_other_names_are_not_there(name):
    with pytest.raises(AttributeError, match=name):
        getattr(nnviz_widgets, name)
    assert not hasattr(nnviz_widgets, name)


def test_what_a_type_checker_sees_is_what_there_is():
    """The imports under TYPE_CHECKING and the table say the same."""
    source = Path(nnviz_widgets.__file__).read_text()
    for name, home in nnviz_widgets._HOMES.items():
        assert f"from nnviz_widgets.{home} import {name} as {name}\n" in source
    assert source.count(" as ") == len(nnviz_widgets._HOMES)


def run(code):
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)


def test_the_package_itself_imports_nothing_heavy():
    heavy = ["torch", "torchvision", "numpy", "PIL", "matplotlib", "ipywidgets", "ipycanvas", "anywidget", "traitlets"]
    code = f"import sys, nnviz_widgets; nnviz_widgets.NnvizError; print([m for m in {heavy} if m in sys.modules])"
    done = run(code)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_engine_and_methods_need_no_jupyter():
    code = (
        "import sys\n"
        "for name in ['ipywidgets', 'ipycanvas', 'anywidget', 'traitlets', 'IPython', 'ipykernel', 'comm']:\n"
        "    sys.modules[name] = None\n"
        "import nnviz_widgets as nnviz\n"
        "from nnviz_widgets import live, methods\n"
        "import nnviz_widgets.render.figure\n"
        "from torch import nn\n"
        "net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))\n"
        "engine = nnviz.Engine(net, mean=0.5, std=0.5, size=8, outputs='logits')\n"
        "x = engine.prepare(nnviz.sample())\n"
        "print(tuple(methods.activation_maps(engine, x, '1').shape), tuple(methods.filters(engine, '0').shape))\n"
    )
    done = run(code)
    assert done.stderr == ""
    assert done.stdout.strip() == "(4, 6, 6) (4, 3, 3, 3)"


def test_methods_are_functions_not_modules():
    for name in methods.__all__:
        assert callable(getattr(methods, name)), name
    assert sorted(methods.__all__) == list(methods.__all__)
