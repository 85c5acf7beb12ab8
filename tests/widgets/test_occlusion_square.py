import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.widgets.occlusion_square import Ground, check_corner

GROUND = Ground(16, 24, 6, 4)


def test_positions_cover_the_border():
    assert GROUND.tops.tolist() == [0, 4, 8, 10]
    assert GROUND.lefts.tolist() == [0, 4, 8, 12, 16, 18]
    assert GROUND.shape == (4, 6)
    assert Ground(16, 24, 16, 4).shape == (1, 3)


@pytest.mark.parametrize(
    ("x", "y", "corner"), [(0.5, 0.5, (5, 9)), (0, 0, (0, 0)), (1, 1, (10, 18)), (-3, 0.5, (5, 0)), (0.5, 9, (10, 9))]
)
def test_the_square_has_the_point_in_its_middle_and_stays_inside(x, y, corner):
    assert GROUND.around(x, y) == corner


def test_cells():
    assert [GROUND.cell_at(x, y) for x, y in ((0, 0), (0.999, 0.999), (1.2, -1), (0.5, 0.5))] == [
        (0, 0),
        (3, 5),
        (0, 5),
        (2, 3),
    ]
    for row in range(4):
        for col in range(6):
            assert GROUND.nearest(GROUND.corner((row, col))) == (row, col)
    assert GROUND.nearest((5, 17)) == (1, 4)
    assert GROUND.cell_box((1, 2), (240, 160)) == (80, 40, 40, 40)
    assert GROUND.box((2, 3), 240) == (30, 20, 60, 60)


def test_keys_lead_to_the_next_position_from_anywhere():
    assert GROUND.step((5, 5), "ArrowDown") == (8, 5)
    assert GROUND.step((5, 5), "ArrowUp") == (4, 5)
    assert GROUND.step((5, 5), "ArrowRight") == (5, 8)
    assert GROUND.step((10, 18), "ArrowRight") == (10, 18)
    assert GROUND.step((0, 0), "ArrowUp") == (0, 0)
    assert GROUND.step((5, 5), "Home") == (5, 5)


def test_growing_keeps_the_middle_where_there_is_room():
    assert GROUND.regrown((6, 10), 2) == (4, 8)
    assert GROUND.regrown((0, 0), 2) == (0, 0)


@pytest.mark.parametrize("corner", [(11, 0), (0, 19), (-1, 0), (1,), (1, 2, 3), "ab", 4, (0.5, 1)])
def test_what_is_no_place(corner):
    with pytest.raises(NnvizError, match="is no place for the square"):
        check_corner(GROUND, corner)


def test_what_is_a_place():
    assert check_corner(GROUND, None) is None
    assert check_corner(GROUND, [10, 18]) == (10, 18)
