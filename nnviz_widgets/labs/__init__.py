"""Checks of course work: pure functions that say in words what is wrong with a student's function, no widget."""

from nnviz_widgets.labs.checking import LabError, fail
from nnviz_widgets.labs.saliency import check_saliency

__all__ = [
    "LabError",
    "check_saliency",
    "fail",
]
