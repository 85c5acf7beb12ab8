import ast
import re
from pathlib import Path
from string import Formatter

import pytest

import nnviz_widgets
from nnviz_widgets import lang
from nnviz_widgets.engine import contracts
from nnviz_widgets.errors import MESSAGES, NnvizError
from nnviz_widgets.lang import fr_phrases
from nnviz_widgets.lang.typography import no_break
from nnviz_widgets.methods import prior_values

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


FRENCH = {**lang.TEXT["fr"], **lang.ERRORS["fr"]}


@pytest.mark.parametrize("texts", [FRENCH, {text: no_break(text) for text in fr_phrases.PHRASES.values()}])
def test_french_is_set_as_french_is(texts):
    wrong = re.compile(r" [:;?!»%]|« |[^\s(]»|«\S|\w'\w|\.\.\.(?!\))| …|\d\.\d+ (?!\d)")  # but in code
    code = re.compile(r"\"[^\"]*\"|\w+=\S*|\b\d+: |\w*_?\.\.\._\w+|\[\.\.\.,|rend pas 0\.5")
    assert {key: text for key, text in texts.items() if wrong.search(code.sub("", text))} == {}


def phrases_of(path):
    """The words that a module gives to errors as what was expected, or why: numbers in them are #."""
    for node in ast.walk(ast.parse(path.read_text())):
        given = []
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "NnvizError":
            given = [keyword.value for keyword in node.keywords if keyword.arg in lang.PHRASED]
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "expected":
            given = [node.value]
        for value in given:
            for part in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value
                elif isinstance(part, ast.JoinedStr):
                    yield "".join(p.value if isinstance(p, ast.Constant) else "7" for p in part.values)


def test_what_errors_expect_is_said_in_french_too():
    found = {text for path in sorted(PACKAGE.rglob("*.py")) for text in phrases_of(path)}
    assert len(found) > 25
    same = {text for text in found if fr_phrases.translate(text) == text and re.search("[a-z]{2}", text)}
    # "7 from 7 7" are the ranges of numbers that are put together of parts, "x (7..." the shape of a tensor.
    assert same <= {"7 from 7 ", "a number, or a tensor like x 7"}
    for limits in (
        *prior_values.LIMITS.values(),
        "a number, or a tensor like x (1, 3, 8, 8)",
        *contracts.EXAMPLES.values(),
    ):
        assert fr_phrases.translate(str(limits)) != str(limits)


def test_numbers_of_an_error_are_french_and_code_stays_code():
    error = NnvizError("prior_value", name="decay", value=1.5, expected="a number from 0 to 0.9")
    assert lang.say_error("fr", error) == "decay=1.5 ne convient pas\N{NO-BREAK SPACE}: il faut un nombre de 0 à 0,9."
    huge = lang.say_error("fr", NnvizError("picture_huge", name="a.png", width=9, height=9, limit=178956970))
    assert "178\N{NO-BREAK SPACE}956\N{NO-BREAK SPACE}970 au plus" in huge
    low = lang.say_error("fr", NnvizError("picture_range", low=-0.25, high=3.0))
    assert "de -0,25 à 3 " in low.replace("\N{NO-BREAK SPACE}", " ")
    both = lang.say_error(
        "fr",
        NnvizError(
            "contract_missing",
            missing="mean, size",
            example=f"{contracts.EXAMPLES['mean']}, {contracts.EXAMPLES['size']}",
        ),
    )
    assert "passez mean=0.5 (ce que" in both
    assert "size=32 (le côté" in both


@pytest.mark.parametrize(
    ("language", "one", "two"), [("en", "PCA of one picture", "2 pictures"), ("fr", "d’une", "2 images")]
)
def test_one_of_them_is_said_as_one(language, one, two):
    fields = {"kind": "PCA", "set": "x"}
    assert one in lang.say(language, "map_of", count=1, **fields)
    assert two in lang.say(language, "map_of", count=2, **fields)
    assert "1" not in lang.say(language, "class_others", count=1)


def test_a_string_for_one_has_no_other_fields_than_that_for_many():
    for key, text in lang.TEXT["en"].items():
        many = lang.TEXT["en"].get(key.removesuffix("_one"))
        if key.endswith("_one") and many is not None and "count" in fields(many):
            assert fields(text) <= fields(many), key
