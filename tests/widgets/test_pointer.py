import pytest

from nnviz_widgets.widgets.pointer import HERE, Event, Pointer


@pytest.fixture
def pointer(monkeypatch):
    pointer = Pointer()
    pointer.sent = []
    monkeypatch.setattr(pointer, "send", lambda content, buffers=None: pointer.sent.append(content))
    yield pointer
    pointer.layout.close()
    pointer.close()


def receive(pointer, content):
    pointer._handle_custom_msg(content, [])


def test_messages_become_events(pointer):
    seen = []
    pointer.listen(seen.append)
    receive(pointer, {"kind": "click", "pane": "map", "x": 0.25, "y": 0.5})
    receive(pointer, {"kind": "key", "pane": "map", "x": 0, "y": 0, "key": "ArrowUp"})
    receive(pointer, {"kind": "theme", "dark": True})
    receive(pointer, {"kind": "leave"})
    assert seen == [
        Event("click", "map", 0.25, 0.5),
        Event("key", "map", 0, 0, "ArrowUp"),
        Event("theme", dark=True),
        Event("leave"),
    ]
    assert pointer.sent == []


def test_every_move_is_answered_even_when_its_handler_fails(pointer):
    def handle(event):
        if event.x > 0.5:
            raise RuntimeError("handler")

    pointer.listen(handle)
    receive(pointer, {"kind": "move", "pane": "map", "x": 0.1, "y": 0.1})
    receive(pointer, {"kind": "move", "pane": "map", "x": 0.9, "y": 0.1})
    assert pointer.sent == [{"kind": "answer"}] * 2


def test_fields_of_a_newer_page_are_ignored(pointer):
    seen = []
    pointer.listen(seen.append)
    receive(pointer, {"kind": "click", "pane": "map", "x": 0.1, "y": 0.2, "pressure": 3})
    assert seen == [Event("click", "map", 0.1, 0.2)]


def test_the_script_and_the_style_are_there():
    assert "export default" in (HERE / "pointer.js").read_text()
    style = (HERE / "style.css").read_text()
    assert style.count("{") == style.count("}")
    assert "nnviz-pane" in style
