"""A widget's result as lines of Python that make it again with the pure functions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any

from nnviz_widgets.engine.objectives import Objective
from nnviz_widgets.engine.terms import Term
from nnviz_widgets.images.samples import SAMPLES
from nnviz_widgets.lang import say

if TYPE_CHECKING:
    from nnviz_widgets.engine.engine import Engine
    from nnviz_widgets.images.image_set import ImageSet

WIDTH = 90  # characters: a call that is longer has a line for each argument


class Expr(str):
    """Text that is Python already."""

    __slots__ = ()


class Script:
    """Lines of Python, with the imports that they need above them.

    What cannot be written, such as a module or an array, becomes a name that a comment explains in the language.
    """

    def __init__(self, language: str) -> None:
        self._language = language
        self._needed: dict[str, set[str]] = {}
        self._lines: list[str] = []

    def need(self, module: str, name: str) -> Expr:
        """A name out of a module of ours."""
        self._needed.setdefault(module, set()).add(name)
        return Expr(name)

    def add(self, line: str) -> None:
        self._lines.append(line)

    def note(self, key: str, **fields: object) -> None:
        """A comment."""
        text = say(self._language, key, **fields)
        self._lines.append(f"# {' '.join(text.splitlines())}")

    def let(self, name: str, value: Any) -> Expr:
        """A line that gives a value a name."""
        self._lines.append(f"{name} = {write(value)}")
        return Expr(name)

    def run(self, call: Expr, *, last: str = "result", end: tuple[str, object] | None = None) -> None:
        """A loop over a generator, whose last value stays.

        Args:
            end: an attribute and the value with which the loop ends early.
        """
        stop = "pass" if end is None else f"if {last}.{end[0]} == {write(end[1])}:\n        break"
        self._lines.append(f"for {last} in {call}:\n    {stop}")

    def steered(self, changes: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
        """The option `knobs` of a method whose knobs were changed on the way, by the number of steps before it."""
        if not changes:
            return {}
        self._needed.setdefault("", set()).add("itertools")
        self.note("code_steered")
        self.let("steered", {step: dict(told) for step, told in changes.items()})
        self.let("count", Expr("itertools.count()"))
        return {"knobs": Expr("lambda: steered.get(next(count), {})")}

    # What a widget was given

    def engine(self, engine: Engine) -> None:
        """The line that makes `engine`."""
        if engine.loaded is not None:
            name, options = engine.loaded
            first = [] if name == "efficientnet_lite0" else [name]
            self.let("engine", call("nnviz.load", *first, **options))
            return
        contract = engine.contract
        options = {"mean": contract.mean, "std": contract.std, "size": contract.size, "outputs": engine.outputs}
        if contract.resize is not None:
            options["resize"] = contract.resize
        if contract.interpolation != "bilinear":
            options["interpolation"] = contract.interpolation
        self.note("code_module")
        self.let("engine", call("nnviz.Engine", Expr("module"), **options))

    def photo(self, photo: Any, name: str = "picture") -> Any:
        """A picture, as the engine's `prepare` takes it."""
        if isinstance(photo, str) and photo in SAMPLES:
            return call("nnviz.sample", photo)
        if isinstance(photo, str | Path):
            return str(photo)
        self.note("code_picture", name=name)
        return Expr(name)

    def input(self, photo: Any) -> None:
        """The line that makes `x`."""
        self.let("x", call("engine.prepare", self.photo(photo)))

    def images(self, images: ImageSet) -> Expr:
        """The line that makes `images`."""
        if images.made_of is None:
            self.note("code_images")
            return Expr("images")
        return self.let("images", call("nnviz.ImageSet", images.made_of))

    def __str__(self) -> str:
        ours = self._needed.keys() - {""}
        uses = any("methods." in line for line in self._lines)
        imports = [f"import {name}" for name in sorted(self._needed.get("", ()))] + ["import nnviz_widgets as nnviz"]
        imports += ["from nnviz_widgets import methods"] if uses else []
        imports += [
            f"from nnviz_widgets.{module} import {', '.join(sorted(self._needed[module]))}" for module in sorted(ours)
        ]
        return "\n".join([*imports, "", *self._lines]) + "\n"


def call(function: str, *arguments: Any, **options: Any) -> Expr:
    """A call; a long one has a line for each argument."""
    parts = [*map(write, arguments), *(f"{name}={write(value)}" for name, value in options.items())]
    line = f"{function}({', '.join(parts)})"
    if len(line) <= WIDTH:
        return Expr(line)
    return Expr(f"{function}(\n{indent(''.join(f'{part},{chr(10)}' for part in parts), '    ')})")


def indented(text: str) -> str:
    """A call that stands in a block: its lines but the first moved in."""
    return text.replace("\n", "\n    ")


def write(value: Any) -> str:
    """A value as Python reads it."""
    match value:
        case Expr():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Path():
            return json.dumps(str(value), ensure_ascii=False)
        case Objective():
            return write_objective(value)
        case tuple():
            return f"({', '.join(map(write, value))}{',' if len(value) == 1 else ''})"
        case list():
            return f"[{', '.join(map(write, value))}]"
        case dict():
            return "{" + ", ".join(f"{write(key)}: {write(each)}" for key, each in value.items()) + "}"
    return repr(value)


def write_objective(objective: Objective) -> str:
    """An objective as the sum that makes an equal one."""
    text = ""
    for term, weight in objective.terms:
        sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
        text += sign + ("" if abs(weight) == 1 else f"{abs(weight)!r} * ") + _term(term)
    return text


def _term(term: Term) -> str:
    if term.kind == "direction":
        return f"nnviz.direction({write(term.layer)}, {_numbers(term.numbers)})"
    if term.kind == "cosine_direction":
        power, *v = term.numbers
        return f"nnviz.direction({write(term.layer)}, {_numbers(v)}, cosine_power={power!r})"
    home = "" if term.kind == "similarity" else "nnviz."
    arguments = [*([write(term.layer)] if term.layer else []), *(str(int(number)) for number in term.numbers)]
    return f"{home}{term.kind}({', '.join(arguments)})"


def _numbers(numbers: Iterable[float]) -> str:
    """A vector, the short way where most of it is 0."""
    found = list(numbers)
    others = {i: number for i, number in enumerate(found) if number}
    if len(others) > len(found) // 4:
        return write(found)
    return f"[{write(others)}.get(k, 0.0) for k in range({len(found)})]"
