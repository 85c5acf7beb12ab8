import time

import pytest

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.live import State
from nnviz_widgets.live.progress import Stopwatch
from nnviz_widgets.widgets import status as home
from nnviz_widgets.widgets.status import PATIENCE, Status, say_time
from tests.widgets.conftest import parts


@pytest.fixture
def make(opened):
    made = []

    def make(language="en"):
        status = Status(language, "cuda:0", lambda: made.append("cancelled"))
        opened(Closing(status))
        return status

    make.calls = made
    return make


class Closing:
    def __init__(self, status):
        self.status = status

    def close(self):
        self.status.close()
        for part in [*parts(self.status.box)]:
            for owned in (part, part.layout, getattr(part, "style", None)):
                if owned is not None:
                    owned.close()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0004, "0 ms"),
        (0.0123, "12 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (3.44, "3.4 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 0 s"),
        (119.7, "2 min 0 s"),
        (125, "2 min 5 s"),
        (3600, "60 min 0 s"),
    ],
)
def test_times(seconds, text):
    assert say_time("en", seconds) == text


def visible(status):
    return status.button.layout.visibility == "visible"


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_job_that_ends_says_its_time_and_the_device(make, language):
    status = make(language)
    status.state(State(False, 1.0, 0.012, 0.0))
    assert "12 ms · cuda:0" in status.text.value
    assert not visible(status)


@pytest.mark.parametrize(
    ("language", "words"), [("en", "34 % · 4.0 s left"), ("fr", "34\N{NO-BREAK SPACE}% · encore 4,0 s")]
)
def test_a_job_under_way_says_percent_and_seconds_left_and_offers_cancel(make, language, words):
    status = make(language)
    status.state(State(True, 0.34, 2.0, 4.0))
    assert words in status.text.value
    assert "width:34.0%" in status.text.value
    assert visible(status)
    status.button.click()
    assert make.calls == ["cancelled"]
    status.state(State(False, 1.0, 5.0, 0.0))
    assert not visible(status)
    assert "width" not in status.text.value


def test_a_job_that_does_not_tell_its_progress(make):
    status = make()
    status.state(State(True, None, 2.0, None))
    assert "working · 2.0 s" in status.text.value
    assert visible(status)


def test_a_short_job_is_not_mentioned(make):
    status = make()
    status.state(State(False, 1.0, 0.05, 0.0))
    before = status.text.value
    status.state(State(True, 0.5, PATIENCE / 2, 0.01))
    assert status.text.value == before
    assert not visible(status)


def wait_for(status, words):
    end = time.monotonic() + 10
    while words not in status.text.value and time.monotonic() < end:
        time.sleep(0.01)
    assert words in status.text.value


@pytest.mark.parametrize("ends", ["done", "error", "cancelled"])
def test_a_long_job_that_says_nothing_is_mentioned_all_the_same(make, monkeypatch, ends):
    monkeypatch.setattr(home, "TICK", 0.01)
    status = make()
    status.state(State(True, None, 0.0, None))
    assert "working" not in status.text.value
    wait_for(status, "working · 2")
    assert visible(status)
    if ends == "done":
        status.state(State(False, 1.0, 0.4, 0.0))
    elif ends == "error":
        status.error(KeyError("x"))
    else:
        status.state(State(False, None, 0.4, None, cancelled=True))
    last = status.text.value
    assert not visible(status)
    time.sleep(0.05)
    assert status.text.value == last
    assert "working" not in last


def test_progress_ends_the_mention(make, monkeypatch):
    monkeypatch.setattr(home, "PATIENCE", 0.02)
    status = make()
    status.state(State(True, None, 0.0, None))
    wait_for(status, "working")
    status.state(State(True, 0.5, 2.0, 2.0))
    time.sleep(0.05)
    assert "50 %" in status.text.value


@pytest.mark.parametrize(("language", "word"), [("en", "cancelled after"), ("fr", "annulé après")])
def test_a_cancelled_job(make, language, word):
    status = make(language)
    status.state(State(False, 0.5, 3.0, None, cancelled=True))
    assert word in status.text.value
    assert not visible(status)


@pytest.mark.parametrize("done", [None, 0.0, 0.5, 1.0])
def test_an_error_outlives_the_end_of_its_job_however_far_it_came(make, done):
    status, watch = make(), Stopwatch(lambda: 0.0)
    watch.running(done)
    status.error(NnvizError("job_wait"))
    status.state(watch.stopped(cancelled=False))
    assert "nnviz-error" in status.text.value
    status.state(watch.ended())
    assert "nnviz-error" not in status.text.value


@pytest.mark.parametrize(("language", "fold"), [("en", "details"), ("fr", "détails")])
def test_an_error_is_one_line_with_its_traceback_folded(make, language, fold):
    status = make(language)
    try:
        raise RuntimeError("<b>bold</b>\n<img src=x>")
    except RuntimeError as error:
        status.error(error)
    line, folded = status.text.value.split("<details>")
    assert "&lt;b&gt;bold" in line
    assert "img" not in line
    assert f"<summary>{fold}</summary>" in folded
    assert "&lt;img src=x&gt;" in folded
    assert "<img" not in status.text.value
    assert 'role="status"' in line


def test_an_error_of_ours_says_it_all_unless_another_caused_it(make):
    status = make()
    status.error(NnvizError("layer_unknown", name="<i>", near="'a'"))
    assert "<details>" not in status.text.value
    assert "&lt;i&gt;" in status.text.value
    error = NnvizError("job_wait")
    error.__cause__ = KeyError("why")
    status.error(error)
    assert "KeyError" in status.text.value.split("<details>")[1]


def test_an_error_takes_cancel_away(make):
    status = make()
    status.state(State(True, 0.5, 2.0, 2.0))
    status.error(KeyError("x"))
    assert not visible(status)
