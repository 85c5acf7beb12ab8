import gc
import threading
import weakref

from nnviz_widgets.widgets import workers
from nnviz_widgets.widgets.workers import give_worker, take_worker
from tests.widgets.conftest import engine_of, threads


def test_one_worker_an_engine_until_the_last_is_given_back(engine):
    first = take_worker(engine)
    assert take_worker(engine) is first
    other = engine_of()
    second = take_worker(other)
    assert second is not first
    give_worker(engine)
    assert not first.closed
    give_worker(engine)
    assert first.closed
    assert not second.closed
    again = take_worker(engine)
    assert again is not first
    assert not again.closed
    give_worker(engine)
    give_worker(other)
    assert again.closed
    assert second.closed


def test_giving_back_after_the_entry_is_gone_is_harmless(engine):
    """As when engine and widget are collected together: weak references are cleared before finalizers run."""
    worker = take_worker(engine)
    workers._open.pop(engine)
    give_worker(engine)
    worker.close()


def test_threads_end_with_their_worker(engine):
    worker = take_worker(engine)
    assert worker.view().post(lambda: 3).result(10) == 3
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("nnviz-")] == ["nnviz-worker"]
    give_worker(engine)
    assert threads() == []


def test_an_engine_that_is_not_looked_at_is_not_kept():
    engine = engine_of()
    take_worker(engine)
    give_worker(engine)
    seen = weakref.ref(engine)
    del engine
    gc.collect()
    assert seen() is None


def test_many_threads_at_once(engine):
    found = []

    def take():
        found.append(take_worker(engine))

    together = [threading.Thread(target=take) for _ in range(8)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    assert len(set(map(id, found))) == 1
    for _ in together:
        give_worker(engine)
    assert found[0].closed
    assert engine not in workers._open
