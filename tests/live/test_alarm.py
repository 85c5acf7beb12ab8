import threading
import time

from nnviz_widgets.live.alarm import Alarm


def alarm_threads():
    return [thread for thread in threading.enumerate() if thread.name == "nnviz-alarm"]


def gone(thread, seconds=10):
    thread.join(seconds)
    return not thread.is_alive()


def test_it_calls_back_once_and_its_thread_ends():
    rang = threading.Event()
    calls = []
    alarm = Alarm(lambda: (calls.append(1), rang.set()))
    alarm.set(0)
    thread = alarm._thread
    assert rang.wait(10)
    assert gone(thread)
    assert calls == [1]
    rang.clear()
    alarm.set(0)
    assert rang.wait(10)
    assert calls == [1, 1]


def test_the_time_set_last_counts_sooner_or_later():
    rang = threading.Event()
    alarm = Alarm(rang.set)
    alarm.set(1000)
    alarm.set(0)
    assert rang.wait(10)
    rang.clear()
    alarm.set(0.2)
    alarm.set(1000)
    assert not rang.wait(0.4)
    alarm.cancel()


def test_moving_the_time_takes_no_more_threads():
    before = alarm_threads()
    alarm = Alarm(lambda: None)
    for _ in range(200):
        alarm.set(1000)
    thread = alarm._thread
    assert [other for other in alarm_threads() if other not in before] == [thread]
    alarm.cancel()
    assert gone(thread)


def test_a_cancelled_alarm_is_silent_until_set_again():
    rang = threading.Event()
    alarm = Alarm(rang.set)
    alarm.cancel()
    alarm.set(0.05)
    alarm.cancel()
    alarm.cancel()
    assert not rang.wait(0.2)
    alarm.set(0)
    assert rang.wait(10)


def test_the_callback_may_set_and_cancel():
    done, calls = threading.Event(), []

    def ring():
        calls.append(1)
        if len(calls) < 5:
            alarm.set(0)
        else:
            alarm.set(1000)
            alarm.cancel()
            done.set()

    alarm = Alarm(ring)
    alarm.set(0)
    thread = alarm._thread
    assert done.wait(10)
    assert gone(thread)
    assert len(calls) == 5


def test_an_error_of_the_callback_is_told_and_the_next_time_is_kept(monkeypatch):
    errors, rang = [], threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda arguments: errors.append(arguments.exc_value))

    def ring():
        rang.set()
        raise RuntimeError("the callback")

    alarm = Alarm(ring)
    for _ in range(3):
        rang.clear()
        alarm.set(0)
        assert rang.wait(10)
    thread = alarm._thread
    assert thread is None or gone(thread)
    assert [str(error) for error in errors] == ["the callback"] * 3


def test_many_threads_set_and_cancel_at_once():
    calls = []
    alarm = Alarm(lambda: calls.append(time.monotonic()))

    def play():
        for i in range(200):
            alarm.set(0.0001 if i % 3 else 1000)
            if i % 7 == 0:
                alarm.cancel()

    together = [threading.Thread(target=play) for _ in range(4)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    rang = threading.Event()
    alarm._callback = rang.set
    alarm.set(0)
    assert rang.wait(10)
    thread = alarm._thread
    assert thread is None or gone(thread)
