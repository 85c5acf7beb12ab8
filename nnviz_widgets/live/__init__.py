"""Time: one worker thread, a latest-wins mailbox a view, cancelling, progress and the pacing of frames."""

from nnviz_widgets.live.pacing import Frame, FramePacer
from nnviz_widgets.live.progress import Background, Partial, State
from nnviz_widgets.live.ticket import Cancelled, Superseded, Ticket
from nnviz_widgets.live.view import View
from nnviz_widgets.live.worker import Worker

__all__ = [
    "Background",
    "Cancelled",
    "Frame",
    "FramePacer",
    "Partial",
    "State",
    "Superseded",
    "Ticket",
    "View",
    "Worker",
]
