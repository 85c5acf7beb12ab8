import gc
import subprocess
import sys
import textwrap
import threading
import weakref
from itertools import count

import pytest

from nnviz_widgets.live import Cancelled, Superseded, Worker

PATIENCE = 30.0  # seconds until a test that waits for an event fails


def test_views_take_turns_and_the_new_one_comes_first(stepped, counting):
    log = []
    for name in "ab":
        stepped.view().post(counting(3, log, name))
    stepped.step()
    stepped.step()
    stepped.view().post(counting(3, log, "c"))
    stepped.run_until_idle()
    order = [name for name, i in log if i != "end"]
    assert order == ["a", "b", "c", "a", "b", "c", "a", "b", "c"]


def test_a_slider_dragged_without_rest_starves_nobody(stepped, counting):
    log = []
    dragged = stepped.view()
    stepped.view().post(counting(10, log, "ascent"))
    for _ in range(20):
        dragged.post(counting(10, log, "drag"))
        stepped.step()
    steps = [name for name, i in log if i != "end"]
    assert steps.count("ascent") == 10
    assert steps.count("drag") == 10


def test_a_view_that_stands_aside_waits_for_the_others_once_it_has_begun(stepped, counting):
    log = []
    views = {name: stepped.view() for name in ("unseen", "seen")}
    views["unseen"].aside = True
    for name, view in views.items():
        view.post(counting(3, log, name))
    for _ in range(4):
        stepped.step()
    assert [name for name, i in log if i != "end"] == ["unseen", "seen", "seen", "seen"]
    stepped.run_until_idle()
    assert [name for name, i in log if i != "end"][4:] == ["unseen", "unseen"]


def test_a_view_that_stands_aside_has_its_turns_when_its_job_is_waited_for(stepped, counting):
    log = []
    unseen = stepped.view()
    unseen.aside = True
    stepped.view().post(counting(50, log, "seen"))
    unseen.post(counting(3, log, "unseen")).result()
    assert [name for name, i in log if i != "end"].count("seen") < 10


def test_an_idle_worker_keeps_no_view_alive(stepped):
    view = stepped.view()
    view.post(lambda: 1)
    stepped.run_until_idle()
    gone = weakref.ref(view)
    del view
    gc.collect()
    assert gone() is None


def test_closing_the_worker_closes_generators(stepped, told, counting):
    log = []
    ticket = told.watch(stepped).post(counting(3, log))
    stepped.step()
    stepped.close()
    assert log == [("", 0), ("", "end")]
    assert told.results == [(0, False)]
    assert not told.states[-1].cancelled
    with pytest.raises(Cancelled):
        ticket.result()


def test_posts_return_at_once_and_the_latest_wins(threaded, told):
    view = told.watch(threaded)
    started, go, ran = threading.Event(), threading.Event(), []

    def first():
        started.set()
        go.wait(PATIENCE)
        ran.append("first")

    view.post(first)
    assert started.wait(PATIENCE)
    tickets = [view.post(lambda i=i: ran.append(i) or i) for i in range(30)]
    go.set()
    assert tickets[-1].result(PATIENCE) == 29
    assert ran == ["first", 29]
    assert told.results == [(29, True)]
    with pytest.raises(Superseded):
        tickets[0].result(PATIENCE)


def test_callbacks_and_finally_blocks_run_on_the_worker_thread(threaded):
    threads, ended = [], threading.Event()

    def job():
        try:
            for i in count():
                threads.append(threading.current_thread())
                yield i
        finally:
            threads.append(threading.current_thread())
            ended.set()

    seen = threading.Event()
    view = threaded.view(on_result=lambda value, last: (threads.append(threading.current_thread()), seen.set()))
    view.post(job)
    assert seen.wait(PATIENCE)
    view.cancel()
    assert ended.wait(PATIENCE)
    (worker_thread,) = set(threads)
    assert worker_thread is not threading.current_thread()
    assert worker_thread.daemon


def test_close_inside_a_callback(threaded):
    told, ended = [], threading.Event()

    def job():
        try:
            yield from count()
        finally:
            ended.set()

    def on_result(value, last):
        told.append(value)
        view.close()

    view = threaded.view(on_result=on_result, on_state=lambda state: told.append(state.running))
    ticket = view.post(job)
    with pytest.raises(Cancelled):
        ticket.result(PATIENCE)
    assert ended.wait(PATIENCE)
    assert threaded.view().post(lambda: "alive").result(PATIENCE) == "alive"
    assert told == [True, 0]


def test_close_waits_for_a_callback_under_way(threaded):
    inside, told = threading.Event(), []
    waiting = threading.Event()

    def on_result(value, last):
        inside.set()
        waiting.wait(PATIENCE)
        told.append(value)

    view = threaded.view(on_result=on_result)
    view.post(lambda: count())
    assert inside.wait(PATIENCE)
    closer = threading.Thread(target=lambda: (view.close(), told.append("closed")))
    closer.start()
    while not view.closed:
        pass
    waiting.set()
    closer.join(PATIENCE)
    threaded.view().post(lambda: 1).result(PATIENCE)  # a turn later
    assert told == [0, "closed"]


def test_closing_the_worker_inside_a_callback():
    closed = threading.Event()
    worker = Worker()
    view = worker.view(on_result=lambda value, last: (worker.close(), closed.set()))
    view.post(lambda: count())
    assert closed.wait(PATIENCE)
    thread = worker._thread
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_a_job_cannot_wait_for_its_own_worker(threaded, told):
    other = threaded.view()
    view = told.watch(threaded)
    with pytest.raises(ValueError, match="cannot wait"):
        view.post(lambda: other.post(lambda: 1).result()).result(PATIENCE)


def test_result_gives_up_after_its_timeout(threaded):
    go = threading.Event()
    ticket = threaded.view().post(lambda: go.wait(PATIENCE))
    with pytest.raises(TimeoutError):
        ticket.result(0.01)
    go.set()
    assert ticket.result(PATIENCE) is True


def test_posts_from_many_threads_all_settle(threaded):
    views = [threaded.view() for _ in range(3)]
    tickets = []

    def post(n):
        tickets.extend(views[(n + i) % 3].post(lambda i=i: iter(range(i % 4))) for i in range(50))

    threads = [threading.Thread(target=post, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    outcomes = []
    for ticket in tickets:
        try:
            outcomes.append(ticket.result(PATIENCE))
        except Superseded:
            outcomes.append("superseded")
    assert len(outcomes) == 200
    assert any(outcome != "superseded" for outcome in outcomes)


def test_collecting_a_worker_ends_its_thread():
    worker = Worker()
    view = worker.view()
    view.post(lambda: 1).result(PATIENCE)
    thread, gone = worker._thread, weakref.ref(worker)
    assert thread.is_alive()
    del worker, view
    gc.collect()
    thread.join(PATIENCE)
    gc.collect()  # the thread may have held it at the time of the first
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert gone() is None


def test_work_is_done_though_nobody_keeps_the_worker():
    assert Worker().view().post(lambda: iter(range(5))).result(PATIENCE) == 4


@pytest.mark.parametrize("job", ["iter(int, 1)", "forever()", "stubborn()"])
def test_the_interpreter_ends_in_silence_with_a_job_running(job):
    program = f"""
    import threading, time
    from nnviz_widgets.live import Worker

    started = threading.Event()

    def forever():
        try:
            while True:
                time.sleep(0.001)
                yield started.set()
        finally:
            time.sleep(0.01)

    def stubborn():  # a step longer than anybody waits
        started.set()
        time.sleep(3600)

    worker = Worker()
    view = worker.view(on_result=lambda value, last: started.set(), on_state=lambda state: None)
    view.post(lambda: {job})
    started.wait()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_worker_that_has_nothing_left_to_do_says_so_on_its_thread():
    threads, idle = [], threading.Event()

    def on_idle():
        threads.append(threading.current_thread().name)
        idle.set()

    worker = Worker(on_idle=on_idle)
    try:
        view = worker.view()
        for _ in range(2):
            idle.clear()
            assert view.post(lambda: 1).result(PATIENCE) == 1
            assert idle.wait(PATIENCE)
        assert set(threads) == {"nnviz-worker"}
    finally:
        worker.close()
