import gc
import weakref

import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import Background, Cancelled, Partial, State, Superseded, Worker


def test_a_plain_value_is_told_once_as_the_last(stepped, told):
    ticket = told.watch(stepped).post(lambda: 7)
    assert not ticket.done
    assert stepped.step()
    assert not stepped.step()
    assert ticket.result() == 7
    assert told.results == [(7, True)]
    assert [state.running for state in told.states] == [True, False]


def test_an_unforeseen_end_tells_the_last_value_once_more(stepped, told, counting):
    ticket = told.watch(stepped).post(counting(2, []))
    stepped.run_until_idle()
    assert told.results == [(0, False), (1, False), (1, True)]
    assert ticket.result() == 1


def test_an_announced_end_is_told_once(stepped, told):
    ticket = told.watch(stepped).post(lambda: iter([Partial("a", 0.5), Partial("b", 1.0)]))
    stepped.run_until_idle()
    assert told.results == [("a", False), ("b", True)]
    assert ticket.result() == "b"


def test_a_job_without_values_ends_with_none(stepped, told):
    assert told.watch(stepped).post(lambda: iter(())).result() is None
    assert told.results == []
    assert not told.states[-1].running


def test_a_container_is_a_value_not_steps(stepped, told):
    assert told.watch(stepped).post(lambda: [1, 2]).result() == [1, 2]
    assert told.results == [([1, 2], True)]


def test_states_estimate_the_time_left(stepped, told, clock):
    def job():
        for done in (0.25, 0.5):
            clock.now += 2
            yield Partial(done, done)
        clock.now += 1
        yield "bare"

    told.watch(stepped).post(job)
    stepped.run_until_idle()
    assert told.states == [
        State(True, None, 0.0, None),
        State(True, 0.25, 2.0, 6.0),
        State(True, 0.5, 4.0, 4.0),
        State(True, 0.5, 5.0, 5.0),
        State(False, 1.0, 5.0, 0.0),
    ]


def test_only_the_newest_of_waiting_posts_runs(stepped, told):
    view, ran = told.watch(stepped), []
    tickets = [view.post(lambda i=i: ran.append(i) or i) for i in range(30)]
    stepped.run_until_idle()
    assert ran == [29]
    assert told.results == [(29, True)]
    for ticket in tickets[:-1]:
        with pytest.raises(Superseded):
            ticket.result()


@pytest.mark.parametrize("turns", range(4))
def test_a_newer_post_closes_the_running_generator(stepped, told, counting, turns):
    view, log = told.watch(stepped), []
    old = view.post(counting(3, log, "old"))
    for _ in range(turns):
        stepped.step()
    new = view.post(counting(1, log, "new"))
    stepped.run_until_idle()
    with pytest.raises(Superseded):
        old.result()
    assert new.result() == 0
    ended = [("old", "end")] if turns else []
    assert log == [("old", i) for i in range(turns)] + ended + [("new", 0), ("new", "end")]


@pytest.mark.parametrize("turns", range(4))
def test_cancel_at_each_partial_result(stepped, told, counting, turns):
    view, log = told.watch(stepped), []
    ticket = view.post(counting(3, log))
    for _ in range(turns):
        stepped.step()
    view.cancel()
    with pytest.raises(Cancelled):
        ticket.result()
    told_before = list(told.results)
    stepped.run_until_idle()
    assert told.results == told_before == [(i, False) for i in range(turns)]
    assert log[-1:] == ([("", "end")] if turns else [])
    assert [state.cancelled for state in told.states] == [False] * (len(told.states) - 1) + [True]
    assert not told.states[-1].running
    assert view.post(lambda: "again").result() == "again"


def test_cancelling_an_idle_view_says_nothing(stepped, told):
    view = told.watch(stepped)
    view.post(lambda: 1).result()
    before = list(told.states)
    view.cancel()
    stepped.run_until_idle()
    assert told.states == before


def test_a_post_after_a_cancel_hides_the_cancel(stepped, told, counting):
    view = told.watch(stepped)
    view.post(counting(3, []))
    stepped.step()
    view.cancel()
    assert view.post(lambda: 5).result() == 5
    assert not any(state.cancelled for state in told.states)


def test_a_result_that_is_late_is_not_told(stepped, told):
    """The job itself posts the newer one, as a slider moved in the midst of a step does."""
    view = told.watch(stepped)

    def old():
        view.post(lambda: "new")
        yield "late"

    view.post(old)
    stepped.run_until_idle()
    assert told.results == [("new", True)]


def test_cancel_while_a_plain_job_runs(stepped, told):
    view = told.watch(stepped)
    ticket = view.post(lambda: view.cancel() or "late")
    stepped.run_until_idle()
    assert told.results == []
    assert told.states[-1].cancelled
    with pytest.raises(Cancelled):
        ticket.result()


def test_an_error_reaches_its_view_and_its_ticket_alone(stepped, told):
    def broken():
        yield 1
        raise ZeroDivisionError

    others = []
    other = stepped.view(on_result=lambda value, last: others.append(value)).post(lambda: iter([1, 2, 3]))
    view = told.watch(stepped)
    ticket = view.post(broken)
    stepped.run_until_idle()
    assert [type(error) for error in told.errors] == [ZeroDivisionError]
    assert told.states[-1].running is False
    with pytest.raises(ZeroDivisionError):
        ticket.result()
    assert other.result() == 3
    assert view.post(lambda: "fine").result() == "fine"


def test_an_error_of_on_result_ends_the_job(stepped, told, counting):
    def draw(value, last):
        raise OSError("no canvas")

    log = []
    ticket = stepped.view(on_result=draw, on_error=told.errors.append).post(counting(3, log))
    stepped.run_until_idle()
    assert [str(error) for error in told.errors] == ["no canvas"]
    assert log == [("", 0), ("", "end")]
    with pytest.raises(OSError, match="no canvas"):
        ticket.result()


def test_an_error_of_on_result_is_told_even_when_it_cancelled_first(stepped, told):
    def draw(value, last):
        view.cancel()
        raise OSError

    view = stepped.view(on_result=draw, on_error=told.errors.append)
    view.post(lambda: 1)
    stepped.run_until_idle()
    assert len(told.errors) == 1


def test_errors_of_other_callbacks_reach_the_last_resort(stepped, last_resort):
    def state(state):
        raise KeyError("state")

    def error(error):
        raise KeyError("error")

    view = stepped.view(on_error=error, on_state=state)
    assert view.post(lambda: 1).result() == 1
    view.post(lambda: 1 / 0)
    stepped.run_until_idle()
    assert [error.args for error in last_resort] == [("state",), ("state",), ("state",), ("error",), ("state",)]


def test_without_on_error_errors_reach_the_last_resort(stepped, last_resort):
    stepped.view().post(lambda: 1 / 0)
    stepped.run_until_idle()
    assert [type(error) for error in last_resort] == [ZeroDivisionError]


def test_an_error_of_the_clean_up_is_told(stepped, told):
    def job():
        try:
            yield 1
        finally:
            raise OSError("clean-up")

    view = told.watch(stepped)
    view.post(job)
    stepped.step()
    assert view.post(lambda: 2).result() == 2
    assert [str(error) for error in told.errors] == ["clean-up"]


def test_close_calls_nothing_back(stepped, told, counting):
    view, log = told.watch(stepped), []
    view.post(counting(3, log))
    stepped.step()
    view.close()
    view.close()
    before = (list(told.results), list(told.states))
    late = view.post(counting(3, log))
    stepped.run_until_idle()
    assert (told.results, told.states) == before
    assert told.errors == []
    assert log == [("", 0), ("", "end")]
    with pytest.raises(Cancelled):
        late.result()


def test_background_steps_wait_for_every_other_view(stepped, told, counting):
    log, others = [], []

    def job():
        try:
            yield "picture"
            yield Background()
            log.append("prefetch")
            yield "ignored"
            log.append("more")
        finally:
            log.append("end")

    ticket = told.watch(stepped).post(job)
    stepped.step()
    stepped.step()
    assert ticket.result() == "picture"
    assert told.results == [("picture", False), ("picture", True)]
    idle = told.states[-1]
    assert (idle.running, idle.done) == (False, 1.0)
    other = stepped.view(on_result=lambda value, last: others.append(value))
    other.post(counting(2, log, "other"))
    stepped.run_until_idle()
    assert log == [("other", 0), ("other", 1), ("other", "end"), "prefetch", "more", "end"]
    assert told.results[-1] == ("picture", True)
    assert told.states[-1] is idle


@pytest.mark.parametrize("end", ["post", "cancel", "close"])
def test_background_is_closed_by_what_comes_after(stepped, told, end):
    log = []

    def job():
        try:
            yield 1
            yield Background()
            while True:
                yield
        finally:
            log.append("end")

    view = told.watch(stepped)
    view.post(job).result()
    stepped.step()
    assert log == []
    view.post(lambda: 2) if end == "post" else getattr(view, end)()
    stepped.run_until_idle()
    assert log == ["end"]
    assert not any(state.cancelled for state in told.states)


def test_an_error_in_the_background_is_told(stepped, told):
    def job():
        yield 1
        yield Background()
        raise OSError

    assert told.watch(stepped).post(job).result() == 1
    stepped.run_until_idle()
    assert [type(error) for error in told.errors] == [OSError]


def test_a_callback_cannot_wait_for_its_own_worker(stepped, told):
    other = stepped.view()
    view = stepped.view(on_result=lambda value, last: other.post(lambda: 1).result(), on_error=told.errors.append)
    view.post(lambda: 1)
    stepped.run_until_idle()
    assert [error.code for error in told.errors] == ["job_wait"]


def test_a_failed_job_is_freed_with_its_ticket(stepped, told):
    class Tensor:
        pass

    def job():
        tensor = Tensor()
        alive.append(weakref.ref(tensor))
        yield tensor
        raise OSError

    alive = []
    gc.disable()
    try:
        view = stepped.view(on_error=lambda error: None)
        ticket = view.post(job)
        stepped.run_until_idle()
        assert alive[0]() is not None  # the traceback of the ticket's error
        del ticket
        assert alive[0]() is None
    finally:
        gc.enable()


def test_a_closed_worker_takes_no_view():
    worker = Worker(threaded=False)
    view = worker.view()
    worker.close()
    worker.close()
    with pytest.raises(Cancelled):
        view.post(lambda: 1).result()
    with pytest.raises(NnvizError, match="closed"):
        worker.view()


def test_a_job_cancelled_by_the_clean_up_before_it_never_starts(stepped, told):
    ran = []

    def old():
        try:
            yield 1
        finally:
            view.cancel()

    view = told.watch(stepped)
    view.post(old)
    stepped.step()
    view.post(lambda: ran.append("new"))
    stepped.run_until_idle()
    assert ran == []
    assert [state.cancelled for state in told.states].count(True) == 1
