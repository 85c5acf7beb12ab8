import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import nnviz_widgets
from nnviz_widgets import lang
from nnviz_widgets.errors import MESSAGES, NnvizError

PACKAGE = Path(nnviz_widgets.__file__).parent


def fields(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(("english", "french"), [(lang.TEXT["en"], lang.TEXT["fr"]), (MESSAGES, lang.ERRORS["fr"])])
def test_both_languages_have_the_same_keys_and_fields(english, french):
    assert list(english) == list(french)
    for key, text in english.items():
        assert fields(text) == fields(french[key]), key


def keys_said(tree):
    """First arguments of say(...) and self._say(...): literal keys, and the patterns of f-strings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            place = {"say": 1, "_say": 0, "dropdown": 1, "index_slider": 1, "fraction_slider": 1}.get(name)
            if place is not None and len(node.args) > place:
                yield node.args[place]


def test_every_key_that_a_widget_says_exists():
    known = set(lang.TEXT["en"])
    found = 0
    for path in sorted((PACKAGE / "widgets").glob("*.py")):
        for argument in keys_said(ast.parse(path.read_text())):
            if isinstance(argument, ast.Constant):
                assert argument.value in known, f"{path.name}: {argument.value}"
                found += 1
            elif isinstance(argument, ast.JoinedStr):
                parts = [p.value if isinstance(p, ast.Constant) else None for p in argument.values]
                pattern = "".join(".+" if part is None else re.escape(part) for part in parts)
                assert any(re.fullmatch(pattern, key) for key in known), f"{path.name}: {pattern}"
                found += 1
    assert found > 40


def test_every_error_code_that_is_raised_exists():
    found = 0
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NnvizError" and node.args:
                codes = [n.value for n in ast.walk(node.args[0]) if isinstance(n, ast.Constant)]
                assert all(code in MESSAGES for code in codes), f"{path.name}: {codes}"
                found += 1
    assert found > 40


def test_every_message_of_a_lab_exists_and_is_said():
    """Messages are named by `fail`, or by the keys of the mistakes that a check knows."""
    named = set()
    for path in sorted((PACKAGE / "labs").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and re.fullmatch(r"lab_\w+", str(node.value)):
                named.add(node.value)
    known = {key for key in lang.TEXT["en"] if key.startswith("lab_")}
    beginnings = {name for name in named if name.endswith("_")} - {"lab_"}  # of f-strings
    whole = {name for name in named if not name.endswith("_")} - {"lab_other"}
    assert whole <= known
    assert {key for key in known - whole if not key.startswith(tuple(beginnings))} == set()
    assert all(any(key.startswith(beginning) for key in known) for beginning in beginnings)


def test_no_widget_holds_words_of_its_own():
    """Words are strings with a space between letters, or capitalised ones, given to what a person sees."""
    shown = {"description", "tooltip", "placeholder", "title"}
    for path in sorted((PACKAGE / "widgets").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg in shown:
                assert not isinstance(node.value, ast.Constant | ast.JoinedStr), f"{path.name}:{node.value.lineno}"
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("say", "say_below"):
                for argument in node.args:
                    assert not isinstance(argument, ast.Constant | ast.JoinedStr) or path.name == "status.py"


def test_say_error_in_french_names_the_same_things():
    error = NnvizError("class_unknown", name="tabi", near="'tabby'")
    assert lang.say_error("en", error) == str(error)
    french = lang.say_error("fr", error)
    assert "tabi" in french
    assert "tabby" in french
    assert french != str(error)


def test_say_error_of_another_exception_is_one_line():
    assert "\n" not in lang.say_error("en", RuntimeError("first\nsecond"))
    assert "first" in lang.say_error("fr", RuntimeError("first\nsecond"))


def test_the_language_is_the_chosen_one_else_the_variable_else_english(monkeypatch):
    monkeypatch.setattr(lang, "_chosen", [])
    monkeypatch.delenv(lang.VARIABLE, raising=False)
    assert lang.current_language() == "en"
    monkeypatch.setenv(lang.VARIABLE, "fr_CA.UTF-8")
    assert lang.current_language() == "fr"
    monkeypatch.setenv(lang.VARIABLE, "xx")
    assert lang.current_language() == "en"
    lang.set_language("fr")
    assert lang.current_language() == "fr"
    with pytest.raises(NnvizError, match="xx"):
        lang.set_language("xx")
