"""Calls in processes of their own: messages, results, errors, and ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live.lane import Lane
from tests.live import lane_calls


@pytest.fixture
def lane():
    lanes = []

    def start(*call, **keywords):
        lanes.append(Lane(*call, **keywords))
        return lanes[-1]

    yield start
    for each in lanes:
        each.close()
        assert not each.running
        assert not each._thread.is_alive()


def up(lane):
    """Until the call has sent its first message."""
    return next(message for message in lane.follow() if message is not None)


def gone(pid):
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False


def test_messages_come_in_order_and_then_the_result(lane):
    call = lane(lane_calls.square, 3)
    assert [message for message in call.follow() if message is not None] == [3, 4]
    assert call.result == 9
    assert call.result == 9
    assert list(call.follow()) == []


def test_its_caller_gets_turns_while_nothing_comes(lane):
    call = lane(lane_calls.stuck)
    up(call)
    assert [message for message, _ in zip(call.follow(), range(3), strict=False)] == [None] * 3


def test_close_ends_a_call_that_does_not_listen(lane):
    call = lane(lane_calls.stuck)
    up(call)
    pid = call._process.pid
    assert call.running
    call.close()
    call.close()
    assert not call.running
    assert gone(pid)


def test_what_the_call_raises_is_raised_here(lane):
    call = lane(lane_calls.fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="no such thing"):
            call.result  # noqa: B018


def test_a_process_that_ends_by_itself_is_one_line(lane):
    with pytest.raises(NnvizError, match="status 7"):
        lane(lane_calls.die).result  # noqa: B018


def test_a_process_killed_from_elsewhere_is_one_line(lane):
    call = lane(lane_calls.stuck)
    up(call)
    os.kill(call._process.pid, signal.SIGKILL)
    with pytest.raises(NnvizError, match="memory"):
        call.result  # noqa: B018


def test_a_result_that_cannot_travel_is_an_error(lane):
    with pytest.raises(RuntimeError, match="function"):
        lane(lane_calls.threadless).result  # noqa: B018


def test_a_job_larger_than_a_pipe_arrives(lane):
    assert lane(lane_calls.length, b"x" * 3_000_000).result == 3_000_000


def test_the_process_ends_with_its_parent():
    """A kernel that is killed leaves no process behind."""
    code = (
        "import sys, time; from nnviz_widgets.live.lane import Lane; from tests.live import lane_calls\n"
        "lane = Lane(lane_calls.stuck); next(m for m in lane.follow() if m); print(lane._process.pid, flush=True)\n"
        "time.sleep(60)"
    )
    home = Path(__file__).parents[2]
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=home)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(pid)
