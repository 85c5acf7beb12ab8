"""The button that copies a widget's code: what it sends, and what it says when the page has answered."""

from __future__ import annotations

import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.widgets.pointer import Event
from tests.widgets.conftest import Switch, status_of


@pytest.fixture
def widget(opened, engine, monkeypatch):
    widget = opened(nnviz.ActivationMaps(engine, "cat"))
    widget.compute()
    widget.sent = []
    monkeypatch.setattr(widget._pointer, "send", lambda content, buffers=None: widget.sent.append(content))
    return widget


def test_a_click_sends_the_code_and_the_answer_is_said(widget):
    button = widget._copy.button
    assert button in widget._status.box.children
    assert button.tooltip
    button.click()
    assert widget.sent == [{"kind": "copy", "text": widget.code}]
    widget._happened(Event("copied"))
    assert button.description == f"Copied: {len(widget.code.splitlines())} lines of Python"
    widget._copy._rest()
    assert button.description == "Copy as code"
    assert widget._copy.room.children == ()


def test_where_the_page_may_not_copy_there_is_a_field(widget):
    widget._copy.button.click()
    widget._happened(Event("uncopied"))
    (folded,) = widget._copy.room.children
    field = folded.children[0].children[1]
    assert field.value == widget.code
    widget.layer = "conv1"
    widget._copy.button.click()
    widget._happened(Event("uncopied"))
    assert field.value == widget.code
    assert len(widget._copy.room.children) == 1


def test_why_there_is_no_code_is_said_in_the_status_line(opened, engine):
    widget = opened(nnviz.Saliency(engine, "cat", of="channel"))
    widget.compute()
    engine.refresh()
    Switch.error = RuntimeError("the network is broken")
    widget._copy.button.click()
    assert "the network is broken" in status_of(widget)
