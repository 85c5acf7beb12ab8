"""The button that copies a widget's code, and the field that shows it where the page may not copy."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets

from nnviz_widgets.lang import say
from nnviz_widgets.live.alarm import Alarm

MOMENT = 2.5  # seconds for which the button says what it has done
ROWS = 14  # lines of the field that are seen at once


class CopyCode:
    """The page has the clipboard: it is sent the code, and answers whether that could be copied.

    Args:
        code: gives it.
        send: sends it to the page.
        failed: is told why there is none.

    Attributes:
        room: where the field comes.
    """

    def __init__(
        self,
        language: str,
        code: Callable[[], str],
        send: Callable[[str], object],
        failed: Callable[[BaseException], object],
    ) -> None:
        self._language, self._code, self._send, self._failed = language, code, send, failed
        self._sent = ""
        self.button = ipywidgets.Button(
            description=say(language, "copy_code"),
            tooltip=say(language, "copy_code_tip"),
            icon="copy",
            layout=ipywidgets.Layout(width="auto", height="24px", flex="none"),
        )
        self.button.add_class("nnviz-copy")
        self.button.on_click(self._clicked)
        self.room = ipywidgets.VBox(layout=ipywidgets.Layout(overflow="visible"))
        self._alarm = Alarm(self._rest)

    def answered(self, copied: bool) -> None:
        """The page has copied what it was sent, or it may not."""
        if copied:
            self._say(say(self._language, "copy_code_done", count=len(self._sent.splitlines())), "check")
            self._alarm.set(MOMENT)
        elif self.room.children:
            self._field.value = self._sent
        else:
            self._show_field()

    def close(self) -> None:
        self._alarm.cancel()

    def _clicked(self, _button: object) -> None:
        try:
            self._sent = self._code()
        except Exception as error:  # whatever it is, it is said where she looks
            self._failed(error)
        else:
            self._send(self._sent)

    def _show_field(self) -> None:
        text = say(self._language, "copy_code_refused")
        self._field = ipywidgets.Textarea(
            value=self._sent,
            rows=ROWS,
            tooltip=text,
            layout=ipywidgets.Layout(width="100%", height="auto"),
        )
        self._field.add_class("nnviz-code")
        said = ipywidgets.Label(text)
        folded = ipywidgets.Accordion(
            [ipywidgets.VBox([said, self._field])],
            titles=(say(self._language, "copy_code_field"),),
            selected_index=0,
        )
        folded.add_class("nnviz-more")
        self.room.children = (folded,)

    def _rest(self) -> None:
        self._say(say(self._language, "copy_code"), "copy")

    def _say(self, text: str, icon: str) -> None:
        self.button.description, self.button.icon = text, icon
