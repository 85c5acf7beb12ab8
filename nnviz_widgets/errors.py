"""Errors as a code with fields: English in `str()`, any language in a widget."""

from __future__ import annotations

from typing import Any

MESSAGES: dict[str, str] = {
    # pictures
    "picture_missing": "No picture at {path}: check the path, or upload the file.",
    "picture_unreadable": "{name} cannot be read as a picture ({reason}): try a PNG or JPEG file.",
    "picture_huge": "{name} has {width} x {height} pixels; at most {limit:,} are read: make it smaller first.",
    "picture_type": "A {type} is not a picture: pass a path, a PIL image, an array or a tensor.",
    "picture_shape": "Shape {shape} is not a picture: expected (height, width) or {expected}.",
    "picture_range": "Values from {low:.3g} to {high:.3g}: floats must lie in 0..1 and integers in 0..255. "
    "An x from engine.prepare goes straight to the method.",
    "picture_nan": "The picture holds values that are not numbers (NaN or infinite): replace them first.",
    "picture_empty": "The picture has no pixels (shape {shape}).",
    "sample_unknown": "No sample picture is called {name!r}: there are {known}.",
    # input contract
    "contract_missing": "The engine cannot guess {missing}: pass {example}.",
    "contract_value": "{field}={value!r} does not fit: {expected}.",
    "input_shape": "x has shape {shape}; this network takes {expected}: engine.prepare(picture) makes it.",
    "input_nan": "x holds values that are not numbers (NaN or infinite).",
    # live
    "job_superseded": "A newer request replaced this one before it ended: use the newer result, or run it again.",
    "job_cancelled": "This was cancelled before it ended: run it again (a closed widget must be made anew).",
    "job_wait": "A job or a callback cannot wait for a result of its own worker: wait for it in another thread.",
    "worker_closed": "This worker is closed and takes no more views: make a new one.",
}


class NnvizError(ValueError):
    """What went wrong, as a `code` of `MESSAGES` and the `fields` of its sentence."""

    def __init__(self, code: str, **fields: Any) -> None:
        self.code = code
        self.fields = fields
        super().__init__(MESSAGES[code].format(**fields))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.code, self.fields)


def _rebuild(code: str, fields: dict[str, Any]) -> NnvizError:
    return NnvizError(code, **fields)
