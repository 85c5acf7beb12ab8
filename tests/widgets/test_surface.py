import io
import threading
import time

import numpy as np
import pytest
from ipycanvas.canvas import COMMANDS
from ipywidgets.widgets.widget import _instances
from PIL import Image

from nnviz_widgets.widgets import surface as home
from nnviz_widgets.widgets.scene import Bitmap, Scene, Sprite
from nnviz_widgets.widgets.surface import Surface
from tests.widgets.conftest import living, threads
from tests.widgets.page import NAMES, Page

WIDTH, HEIGHT = 40, 30
WHOLE = (0, 0, WIDTH, HEIGHT)


def bitmap(seed, channels=3, side=(6, 8)):
    return Bitmap(np.random.default_rng(seed).integers(0, 256, (*side, channels), dtype=np.uint8))


def map_scene(seed):
    return Scene(None, (Sprite(bitmap(seed), WHOLE),))


class Broken(Bitmap):
    @property
    def encoded(self):
        raise RuntimeError("cannot be encoded")


BROKEN = Scene(None, (Sprite(Broken(np.zeros((2, 2, 3), np.uint8)), WHOLE, smooth=True),))


@pytest.fixture
def page(monkeypatch):
    return Page(monkeypatch)


@pytest.fixture
def surface(opened, page):
    surface = opened(Surface({"photo": (WIDTH, HEIGHT), "mosaic": (WIDTH, HEIGHT)}))
    page.open(surface)
    return surface


SCENES = {
    "a map": map_scene(1),
    "cells that are not whole": Scene(None, (Sprite(bitmap(1, side=(7, 7)), WHOLE),)),
    "a base": Scene(Sprite(bitmap(2, side=(30, 40)), WHOLE)),
    "a base with a selection": Scene(Sprite(bitmap(3, side=(30, 40)), WHOLE), (), ((10, 10, 6, 4),)),
    "a selection at the edge": Scene(None, (Sprite(bitmap(4), WHOLE),), ((0, 0, 5, 5), (35, 25, 5, 5))),
    "a smooth photo": Scene(Sprite(bitmap(5), WHOLE, smooth=True)),
    "heat over a photo": Scene(
        Sprite(bitmap(6), WHOLE, smooth=True), (Sprite(bitmap(7, 4), WHOLE, smooth=True, alpha=0.4),), ((4, 4, 8, 8),)
    ),
    "a part of the pane": Scene(None, (Sprite(bitmap(8), (10, 6, 16, 12)),)),
}


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_the_browser_shows_what_is_saved(surface, page, scene):
    surface.show({"photo": map_scene(0)})
    surface.show({"photo": scene})
    page.draw_all()
    saved = surface.picture("photo")
    shown = page.shows("photo")
    visible = saved[..., 3] > 2
    assert np.abs(shown[visible].astype(int) - saved[visible]).max() <= 2  # they round blended colours differently
    assert np.abs(shown[..., 3].astype(int) - saved[..., 3]).max() <= 1
    if not any(sprite.smooth for sprite in (scene.base, *scene.sprites) if sprite):
        assert np.array_equal(shown, saved)


def test_the_base_travels_once_while_it_stays_the_same(surface, page):
    base = Sprite(bitmap(1, side=(30, 40)), WHOLE)
    for i in range(5):
        surface.show({"mosaic": Scene(base, (), ((i, i, 5, 5),))})
        assert page.bitmaps() == (1 if i == 0 else 0)
        page.draw_all()
        assert np.array_equal(page.shows("mosaic"), surface.picture("mosaic"))
    surface.show({"mosaic": Scene(Sprite(bitmap(2, side=(30, 40)), WHOLE))})
    assert page.bitmaps() == 1
    page.draw_all()
    assert np.array_equal(page.shows("mosaic"), surface.picture("mosaic"))


def test_a_map_tells_where_it_lies_after_it_was_drawn(surface, page):
    surface.show({"photo": Scene(None, (Sprite(bitmap(1), WHOLE),), (), (50.0, -3.0, 7.5))})
    canvas = surface.canvases["photo"]
    assert (canvas.shadow_blur, canvas.shadow_offset_x, canvas.shadow_offset_y) == (50.0, -3.0, 7.5)
    page.draw_all()
    assert np.array_equal(page.shows("photo"), surface.picture("photo"))


def test_panes_that_are_not_named_stay(surface, page):
    surface.show({"photo": map_scene(1), "mosaic": map_scene(2)})
    surface.show({"photo": map_scene(3)})
    page.draw_all()
    for name in ("photo", "mosaic"):
        assert np.array_equal(page.shows(name), surface.picture(name))


def test_at_most_two_frames_are_on_their_way_and_then_the_newest(surface, page):
    scenes = [map_scene(i) for i in range(10)]
    for scene in scenes:
        surface.show({"photo": scene})
    assert len(page.batches) == 2
    page.draw_next()
    assert np.array_equal(page.shows("photo"), scenes[0].paint(WIDTH, HEIGHT))
    assert len(page.batches) == 2  # the second, and the newest
    page.draw_next()
    page.draw_next()
    assert page.batches == []
    assert np.array_equal(page.shows("photo"), scenes[-1].paint(WIDTH, HEIGHT))


def test_numbers_of_frames_rise(surface, page):
    seen = []
    for i in range(5):
        surface.show({"photo": map_scene(i)})
        seen.append(page.draw_next())
    assert seen == sorted(set(seen))


@pytest.mark.parametrize("number", [0, 10_000, 2**24 - 1])
def test_acknowledgements_of_frames_that_were_never_sent_harm_nothing(surface, page, number):
    for i in range(3):
        surface.show({"photo": map_scene(i)})
    page.acknowledge(number)
    page.draw_all()
    assert np.array_equal(page.shows("photo"), surface.picture("photo"))


def test_a_page_loaded_anew_gets_everything_once_all_canvases_are_there(surface, page):
    surface.show({"photo": map_scene(1), "mosaic": Scene(Sprite(bitmap(2, side=(30, 40)), WHOLE))})
    page.draw_all()
    assert page.bitmaps() == 0
    page.open(surface)
    assert len(page.batches) == 1
    page.draw_all()
    for name in ("photo", "mosaic"):
        assert np.array_equal(page.shows(name), surface.picture(name))


def test_some_canvases_of_a_new_page_are_not_enough(surface, page):
    surface.show({"photo": map_scene(1)})
    page.draw_all()
    for canvas in surface._all()[:-1]:
        canvas._handle_custom_msg({"event": "client_ready"}, [])
    assert page.batches == []


def test_a_page_that_is_loaded_before_anything_is_shown_gets_nothing(page, opened):
    surface = opened(Surface({"photo": (WIDTH, HEIGHT)}))
    page.open(surface)
    assert page.batches == []


def test_frames_of_before_a_reload_are_forgotten(surface, page):
    for i in range(5):
        surface.show({"photo": map_scene(i)})
    page.open(surface)
    page.draw_all()
    assert np.array_equal(page.shows("photo"), surface.picture("photo"))
    for i in range(5):
        surface.show({"photo": map_scene(i)})
        page.draw_all()
    assert np.array_equal(page.shows("photo"), surface.picture("photo"))


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    assert condition()


def impatient(surface, seconds=0.05):
    surface._pacer._timeout = seconds


def test_a_frame_that_cannot_be_encoded_leaves_the_surface_usable(surface, page):
    impatient(surface)
    surface.show({"photo": map_scene(0), "mosaic": map_scene(9)})
    page.draw_all()
    for i in range(1, 4):
        with pytest.raises(RuntimeError, match="cannot be encoded"):
            surface.show({"photo": BROKEN})
        wait_until(lambda: surface._pacer.deadline() is None or surface._pacer.deadline() < time.monotonic())
        surface.show({"photo": map_scene(i)})
        page.draw_all()
        assert np.array_equal(page.shows("photo"), map_scene(i).paint(WIDTH, HEIGHT))
        assert np.array_equal(page.shows("mosaic"), map_scene(9).paint(WIDTH, HEIGHT))


def test_half_a_frame_never_travels(surface, page):
    with pytest.raises(RuntimeError):
        surface.show({"mosaic": map_scene(1), "photo": BROKEN})
    assert page.batches == []
    assert surface._manager._commands_cache == []


def test_a_frame_that_cannot_be_encoded_does_not_spoil_the_other_panes(surface, page):
    surface.show({"photo": map_scene(0)})
    page.draw_all()
    with pytest.raises(RuntimeError):
        surface.show({"photo": BROKEN})
    surface.show({"mosaic": map_scene(1)})
    page.draw_all()
    assert np.array_equal(page.shows("mosaic"), map_scene(1).paint(WIDTH, HEIGHT))
    assert np.array_equal(page.shows("photo"), map_scene(0).paint(WIDTH, HEIGHT))
    assert np.array_equal(surface.picture("photo"), map_scene(0).paint(WIDTH, HEIGHT))


def test_failing_frames_do_not_wait_for_a_browser(surface, page):
    for _ in range(4):
        with pytest.raises(RuntimeError):
            surface.show({"photo": BROKEN})
    surface.show({"photo": map_scene(1)})
    assert len(page.batches) == 1
    page.draw_all()
    assert np.array_equal(page.shows("photo"), map_scene(1).paint(WIDTH, HEIGHT))


def test_a_browser_that_falls_silent_gets_what_is_shown_on_a_new_manager(surface, page):
    surface.show({"photo": map_scene(0)})
    page.draw_all()
    old = surface._manager
    impatient(surface)
    surface.show({"photo": map_scene(1)})
    page.batches.clear()  # lost: its manager has stopped for good
    wait_until(lambda: page.batches)
    manager = page.batches[0][0]
    assert manager is not old
    assert manager is surface._manager
    page.draw_all()
    assert old.comm is None
    assert np.array_equal(page.shows("photo"), map_scene(1).paint(WIDTH, HEIGHT))


def test_what_a_page_that_is_being_loaded_refers_to_stays_open(surface, page, opened):
    """A page makes its canvases from a state that may be some seconds old; without their manager they stay empty."""
    surface = opened(Surface({"photo": (WIDTH, HEIGHT)}))
    impatient(surface, 0.01)
    referred = []
    for i in range(20):  # nobody is there who could acknowledge
        surface.show({"photo": map_scene(i)})
        referred.append(surface.canvases["photo"]._canvas_manager)
        time.sleep(0.02)
    assert all(manager.comm is not None for manager in referred)
    assert 1 < len(set(referred)) < 10
    page.open(surface)
    page.draw_all()
    assert [manager for manager in set(referred) if manager.comm is not None] == [surface._manager]
    assert np.array_equal(page.shows("photo"), map_scene(19).paint(WIDTH, HEIGHT))


def test_a_slow_frame_between_whose_commands_the_next_one_was_drawn_is_drawn_anew(surface, page):
    impatient(surface)
    scene = Scene(None, (Sprite(bitmap(0), WHOLE, smooth=True),))
    surface.show({"photo": scene})
    wait_until(lambda: len(page.batches) == 2)  # given up, and sent again
    newest = page.frames[-1]
    (_, slow, buffers), (_, again, more) = page.batches
    page.batches.clear()
    cut = next(place for place, (number, *_) in enumerate(slow) if NAMES[number] == "putImageData")
    canvas = [rest[0] for number, *rest in slow[:cut] if NAMES[number] == "switchCanvas"][-1]
    page.run(slow[:cut], [])
    page.run(again, more)
    page.run([[COMMANDS["switchCanvas"], canvas], *slow[cut:]], buffers)
    assert np.abs(page.shows("photo").astype(int) - scene.paint(WIDTH, HEIGHT)).max() > 99
    page.acknowledge(newest)
    page.draw_all()
    assert np.abs(page.shows("photo").astype(int) - scene.paint(WIDTH, HEIGHT)).max() <= 1


def test_without_a_browser_the_newest_is_saved_and_all_threads_rest(page, opened):
    surface = opened(Surface({"photo": (WIDTH, HEIGHT)}))
    impatient(surface)
    for i in range(5):
        surface.show({"photo": map_scene(i)})
    wait_until(lambda: surface.canvases["photo"].image_data)
    with Image.open(io.BytesIO(bytes(surface.canvases["photo"].image_data))) as saved:
        assert np.array_equal(np.asarray(saved), map_scene(4).paint(WIDTH, HEIGHT))
    assert threads() == []


def test_save_state_writes_what_is_shown_once(surface, page, monkeypatch):
    surface.show({"photo": SCENES["heat over a photo"], "mosaic": map_scene(1)})
    surface.save_state()
    for name in ("photo", "mosaic"):
        with Image.open(io.BytesIO(bytes(surface.canvases[name].image_data))) as saved:
            assert np.array_equal(np.asarray(saved), surface.picture(name))
    monkeypatch.setattr(home, "encode_png", None)
    surface.save_state()
    monkeypatch.undo()
    surface.show({"photo": map_scene(2)})
    surface.save_state()
    with Image.open(io.BytesIO(bytes(surface.canvases["photo"].image_data))) as saved:
        assert np.array_equal(np.asarray(saved), map_scene(2).paint(WIDTH, HEIGHT))


def test_what_was_never_shown_has_no_picture(surface):
    assert surface.picture("photo") is None


def test_close_frees_all_and_may_be_called_again(page):
    before = living()
    surface = Surface({"photo": (WIDTH, HEIGHT)})
    page.open(surface)
    surface.show({"photo": map_scene(1)})
    surface.close()
    surface.close()
    assert [type(_instances[key]).__name__ for key in living() - before] == []
    assert threads() == []
    page.batches.clear()
    surface.show({"photo": map_scene(2)})
    surface.save_state()
    surface._rang()
    page.acknowledge(1)
    for canvas in surface._all():
        surface._client_ready(canvas)
    assert page.batches == []
    assert threads() == []


def test_threads_that_show_at_once_end_with_one_of_their_last(surface, page):
    """Nothing is torn: whatever arrives is one of the scenes, whole, on both panes."""
    scenes = [[map_scene(10 * t + i) for i in range(10)] for t in range(4)]

    def show(own):
        for scene in own:
            surface.show({"photo": scene, "mosaic": scene})

    together = [threading.Thread(target=show, args=(own,)) for own in scenes]
    for thread in together:
        thread.start()
    while any(thread.is_alive() for thread in together) or page.batches:
        if page.batches:
            page.draw_next()
    assert np.array_equal(page.shows("photo"), page.shows("mosaic"))
    assert any(np.array_equal(page.shows("photo"), own[-1].paint(WIDTH, HEIGHT)) for own in scenes)


def test_a_selection_that_moves_over_a_sheet_repaints_only_itself(surface, page):
    width, height = surface.sizes["mosaic"]
    pixels = np.random.default_rng(0).integers(0, 255, (height * 2, width * 2, 3)).astype(np.uint8)
    sheet = Sprite(Bitmap(pixels), (0, 0, width, height))
    clips = []
    for x, y in ((5, 5), (width // 2, 9), (0, 0), (width - 8, height - 8)):
        surface.show({"mosaic": Scene(sheet, (), ((x, y, 8, 8),))})
        clips.append(sum(command[0] == COMMANDS["clip"] for _, commands, _ in page.batches for command in commands))
        page.draw_all()
        assert np.array_equal(page.shows("mosaic"), surface.picture("mosaic"))
    assert clips == [0, 1, 1, 1]
