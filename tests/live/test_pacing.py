import threading

from nnviz_widgets.live import Frame, FramePacer


def test_two_frames_go_out_and_then_only_the_newest_is_kept(clock):
    pacer = FramePacer(clock=clock)
    assert [pacer.offer(c) for c in "abcde"] == [Frame(1, "a"), Frame(2, "b"), None, None, None]
    assert pacer.acknowledge(1) == Frame(3, "e")
    assert pacer.acknowledge(2) is None
    assert pacer.offer("f") == Frame(4, "f")


def test_an_acknowledgement_covers_all_before_it(clock):
    pacer = FramePacer(clock=clock)
    for c in "abc":
        pacer.offer(c)
    assert pacer.acknowledge(2) == Frame(3, "c")
    assert pacer.offer("d") == Frame(4, "d")
    assert pacer.offer("e") is None


def test_numbers_that_were_never_sent_or_are_known_change_nothing(clock):
    pacer = FramePacer(max_in_flight=1, clock=clock)
    pacer.offer("a")
    pacer.offer("b")
    assert pacer.acknowledge(0) is None
    assert pacer.acknowledge(16_777_215) is None
    assert pacer.acknowledge(1) == Frame(2, "b")
    pacer.offer("c")
    assert pacer.acknowledge(1) is None


def test_a_silent_browser_gets_the_newest_frame_after_the_timeout(clock):
    pacer = FramePacer(timeout=1.0, clock=clock)
    assert pacer.deadline() is None
    pacer.offer("a")
    clock.now += 0.25
    pacer.offer("b")
    assert pacer.deadline() == 101.0  # also while nothing is kept back: a frame may have been lost
    pacer.offer("c")
    assert pacer.deadline() == 101.0
    clock.now = 100.75
    assert pacer.tick() is None
    clock.now = 101.0
    assert pacer.tick() == Frame(3, "c")
    assert pacer.tick() is None
    assert pacer.deadline() == 102.0
    assert pacer.offer("d") == Frame(4, "d")
    assert pacer.acknowledge(2) is None  # late: the frames now out are still unacknowledged
    assert pacer.offer("e") is None


def test_an_offer_notices_the_timeout_itself(clock):
    pacer = FramePacer(max_in_flight=1, timeout=1.0, clock=clock)
    pacer.offer("a")
    clock.now += 1
    assert pacer.offer("b") == Frame(2, "b")


def test_reset_forgets_frames_but_not_numbers(clock):
    pacer = FramePacer(max_in_flight=1, clock=clock)
    pacer.offer("a")
    pacer.offer("b")
    pacer.reset()
    assert pacer.deadline() is None
    assert pacer.tick() is None
    assert pacer.offer("c") == Frame(2, "c")
    assert pacer.acknowledge(1) is None
    assert pacer.offer("d") is None


def test_a_frame_may_be_any_value(clock):
    pacer = FramePacer(max_in_flight=1, clock=clock)
    assert pacer.offer(None) == Frame(1, None)
    pacer.offer(None)
    assert pacer.acknowledge(1) == Frame(2, None)


def test_threads_never_have_more_than_the_limit_out():
    pacer = FramePacer(max_in_flight=2, timeout=3600)
    sent = []

    def offer():
        for i in range(200):
            frame = pacer.offer(i)
            if frame is not None:
                sent.append(frame.number)

    threads = [threading.Thread(target=offer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(sent) == [1, 2]
