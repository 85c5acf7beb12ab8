"""A scan on a Dask cluster of two processes gives what it gives here, also when a worker is lost."""

from __future__ import annotations

import os
import signal

import pytest

from nnviz_widgets import methods
from nnviz_widgets.methods.scan_file import load
from tests.engine.networks import Plain, engine_of, seeded
from tests.methods.test_scan import pictures, same, whole

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # what Dask and its friends deprecate is not ours


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    folder = str(tmp_path_factory.mktemp("dask"))
    with (
        distributed.LocalCluster(**options, host="127.0.0.1", local_directory=folder) as cluster,
        distributed.Client(cluster) as found,
    ):
        yield found


def test_it_gives_the_same(client, tmp_path):
    engine, images = engine_of(seeded(Plain)), pictures(50)
    steps = list(methods.scan(engine, images, path=tmp_path / "there", batch=2, client=client))
    assert [step.pictures for step in steps] == sorted(step.pictures for step in steps)
    assert steps[0].pictures < 50  # partial results are shown as they come
    assert same(steps[-1].index, whole(engine, images, tmp_path / "here", batch=2))


def test_ended_early_it_keeps_what_is_done_and_goes_on_here(client, tmp_path):
    engine, images = engine_of(seeded(Plain)), pictures(50)
    steps = methods.scan(engine, images, path=tmp_path / "there", batch=2, client=client)
    next(steps)
    steps.close()
    assert sum(len(load(file).ids) for file in (tmp_path / "there").rglob("shard-*")) >= 16
    assert same(whole(engine, images, tmp_path / "there", batch=2), whole(engine, images, tmp_path / "here", batch=2))


def test_a_lost_workers_shards_are_done_again(client, tmp_path):
    engine, images = engine_of(seeded(Plain)), pictures(400)
    steps = methods.scan(engine, images, path=tmp_path / "there", batch=2, client=client)
    assert next(steps).pictures < 200  # most is still to be done
    victim = next(iter(client.run(os.getpid).values()))
    os.kill(victim, signal.SIGKILL)
    *_, last = steps
    assert same(last.index, whole(engine, images, tmp_path / "here", batch=2))
