"""Checks of traits whose errors are ours, and which traitlets knows how to take back."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import traitlets

from nnviz_widgets.errors import NnvizError


class Refused(NnvizError, traitlets.TraitError):
    """A value that a trait does not take; a TraitError, so that what changes together is taken back together."""


def validate(*names: str) -> Callable[[Callable[[Any, Any], Any]], Any]:
    """As `traitlets.validate`, for a check that raises NnvizError."""

    def decorate(check: Callable[[Any, Any], Any]) -> Any:
        @wraps(check)
        def checked(widget: Any, proposal: Any) -> Any:
            try:
                return check(widget, proposal)
            except NnvizError as error:
                raise Refused(error.code, **error.fields) from error.__cause__

        return traitlets.validate(*names)(checked)

    return decorate
