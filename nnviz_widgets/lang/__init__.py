"""Every string a person sees, by key, in English and French."""

from __future__ import annotations

import os

from nnviz_widgets.errors import MESSAGES, NnvizError
from nnviz_widgets.lang import (
    en,
    en_ascent,
    en_ascent_views,
    en_code,
    en_deepdream,
    en_embedding,
    en_labs,
    en_labs_ascent,
    en_labs_embeddings,
    en_labs_grad_cam,
    en_patches,
    en_training,
    fr,
    fr_ascent,
    fr_ascent_views,
    fr_code,
    fr_deepdream,
    fr_embedding,
    fr_errors,
    fr_labs,
    fr_labs_ascent,
    fr_labs_embeddings,
    fr_labs_grad_cam,
    fr_patches,
    fr_phrases,
    fr_training,
)
from nnviz_widgets.lang.typography import French, no_break

EN_LABS = (en_labs, en_labs_grad_cam, en_labs_ascent, en_labs_embeddings)
FR_LABS = (fr_labs, fr_labs_grad_cam, fr_labs_ascent, fr_labs_embeddings)
ENGLISH = (en, en_ascent, en_ascent_views, en_code, en_deepdream, en_embedding, *EN_LABS, en_patches, en_training)
FRENCH = (fr, fr_ascent, fr_ascent_views, fr_code, fr_deepdream, fr_embedding, *FR_LABS, fr_patches, fr_training)
TEXT: dict[str, dict[str, str]] = {
    "en": {key: text for part in ENGLISH for key, text in part.TEXT.items()},
    "fr": {key: no_break(text) for part in FRENCH for key, text in part.TEXT.items()},
}
ERRORS = {"en": MESSAGES, "fr": {code: no_break(text) for code, text in fr_errors.ERRORS.items()}}
PHRASED = ("expected", "reason", "example")  # fields of errors that hold words
VARIABLE = "NNVIZ_LANGUAGE"

_chosen: list[str] = []


def set_language(code: str) -> None:
    """Language of the widgets made from now on: "en" or "fr".

    Without it the environment variable NNVIZ_LANGUAGE decides, else English; `language=` of a widget goes first.
    """
    _chosen[:] = [check_language(code)]


def current_language() -> str:
    """The language of a widget that is not told one."""
    code = os.environ.get(VARIABLE, "en")[:2].lower()
    return _chosen[0] if _chosen else code if code in TEXT else "en"


def check_language(code: str) -> str:
    """The code itself; an error for a language that is not there."""
    if code not in TEXT:
        raise NnvizError("language_unknown", language=code, known=", ".join(map(repr, TEXT)))
    return code


def say(language: str, key: str, **fields: object) -> str:
    """A string of the interface in a language; where `count` is 1, the string `{key}_one` if there is one."""
    texts = TEXT[language]
    one = f"{key}_one"
    return texts[one if fields.get("count") == 1 and one in texts else key].format(**fields)


def say_error(language: str, error: BaseException) -> str:
    """What went wrong, in one line in a language."""
    if isinstance(error, NnvizError):
        return _say_message(language, error)
    first = (str(error).strip().splitlines() or [""])[0]
    return say(language, "unexpected", type=type(error).__name__, reason=first)


def _say_message(language: str, error: NnvizError) -> str:
    if language == "en":
        return str(error)
    fields = {
        name: no_break(fr_phrases.translate(value)) if name in PHRASED and isinstance(value, str) else value
        for name, value in error.fields.items()
    }
    return French().vformat(ERRORS[language][error.code], (), fields)
