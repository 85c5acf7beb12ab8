from nnviz_widgets.widgets.occlusion_hand import Hand
from nnviz_widgets.widgets.occlusion_square import Ground
from nnviz_widgets.widgets.pointer import Event

GROUND = Ground(16, 24, 6, 4)


def test_the_square_follows_the_pointer_and_goes_back():
    hand = Hand()
    assert not hand.busy
    assert hand.take(Event("move", "photo", x=0.5, y=0.5), GROUND, (0, 0), None, maps=True) is None
    assert hand.hover == (5, 9)
    assert hand.busy
    hand.take(Event("leave"), GROUND, (5, 9), None, maps=True)
    assert hand.hover is None


def test_a_click_puts_it_there():
    assert Hand().take(Event("click", "photo", x=0.5, y=0.5), GROUND, (0, 0), None, maps=True) == (5, 9)
    assert Hand().take(Event("click", "predicted", x=0.5, y=0.5), GROUND, (0, 0), (1, 1), maps=True) == (8, 12)


def test_keys_step_escape_lets_go_and_others_do_nothing():
    hand = Hand(hover=(3, 3))
    assert hand.take(Event("key", "photo", key="ArrowDown"), GROUND, (3, 3), None, maps=True) == (4, 3)
    assert hand.hover is None
    assert hand.take(Event("key", "photo", key="Home"), GROUND, (3, 3), (1, 1), maps=True) == (1, 1)
    assert hand.take(Event("key", "photo", key="Escape"), GROUND, (3, 3), (1, 1), maps=True) is None


def test_maps_answer_only_where_there_are_some():
    hand = Hand()
    hand.take(Event("move", "probability", x=0.5, y=0.5), GROUND, (0, 0), None, maps=False)
    assert hand.hover is None
    hand.take(Event("move", "feature", x=0.5, y=0.5), GROUND, (0, 0), None, maps=True)
    assert hand.hover is None
    hand.take(Event("move", "own", x=0.5, y=0.5), GROUND, (0, 0), None, maps=True)
    assert hand.hover == (8, 12)
    assert not hand.busy
