"""The kept moments of a run: bounded, even, with the best and the last."""

from types import SimpleNamespace

import numpy as np
import torch

from nnviz_widgets.widgets.ascent_timeline import Timeline
from nnviz_widgets.widgets.run_widget import Moment


def moment(step, floats=10):
    x = torch.zeros(floats)
    return Moment(step, 1000, SimpleNamespace(x=x, state=SimpleNamespace(numbers=x, memory=())), None)


def filled(values, **options):
    timeline = Timeline(**options)
    for step, value in enumerate(values):
        timeline.add(moment(step), value)
    return timeline


def steps_of(timeline):
    return [kept.step for kept in timeline]


def test_it_keeps_few_moments_evenly_and_every_value():
    timeline = filled(np.arange(1000.0), most=50)
    steps = steps_of(timeline)
    assert len(steps) <= 51
    assert steps[0] == 0
    assert steps[-1] == 999
    assert set(np.diff(steps[:-1])) == {32}
    np.testing.assert_array_equal(timeline.values, np.arange(1000))


def test_it_keeps_fewer_where_they_are_large():
    timeline = Timeline(most=200, limit=10 * 4 * 1000)
    for step in range(300):
        timeline.add(moment(step, floats=1000), 0.0)
    assert 5 <= len(steps_of(timeline)) <= 12


def test_the_best_one_is_kept_wherever_it_is():
    values = np.sin(np.arange(300) / 300 * np.pi)
    values[137] = 5
    timeline = filled(values, most=10)
    assert timeline.best.step == 137
    assert 137 in steps_of(timeline)


def test_what_is_no_number_is_no_moment_and_never_the_best():
    timeline = filled([1.0, 3.0, float("nan"), 2.0])
    assert timeline.best.step == 1
    assert steps_of(timeline) == [0, 1, 3]
    assert np.isnan(timeline.values[2])


def test_another_way_from_an_earlier_step_forgets_what_came_after():
    timeline = filled([0.0, 1.0, 5.0, 9.0, 3.0])
    timeline.cut(2)
    assert steps_of(timeline) == [0, 1, 2]
    assert timeline.best.step == 2
    timeline.add(moment(2), 7.0)  # it comes once more
    timeline.add(moment(3), 4.0)
    np.testing.assert_array_equal(timeline.values, [0, 1, 5, 4])
    assert timeline.best.step == 2


def test_the_moment_at_a_step_and_beside_it():
    timeline = filled(np.zeros(100), most=10)
    assert timeline.at(33).step == 32
    assert timeline.at(0).step == 0
    assert timeline.at(5000).step == 99
    assert timeline.beside(32, 1).step == 48
    assert timeline.beside(32, -1).step == 16
    assert timeline.beside(0, -1) is None
    assert timeline.beside(99, 1) is None
    assert Timeline().at(3) is None
