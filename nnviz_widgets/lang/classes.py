"""Names of well-known classes in a language: those of ImageNet, of CIFAR-10 and of the sample pictures; and of sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from nnviz_widgets.lang import fr

CIFAR = {
    "airplane": "avion",
    "automobile": "voiture",
    "bird": "oiseau",
    "cat": "chat",
    "deer": "cerf",
    "dog": "chien",
    "frog": "grenouille",
    "horse": "cheval",
    "ship": "bateau",
    "truck": "camion",
}
SAMPLES = {key.removeprefix("sample_"): name for key, name in fr.TEXT.items() if key.startswith("sample_")}
SETS = {"samples": "exemples", "digits": "chiffres", "array": "tableau", "files": "fichiers"}
KNOWN = 0.9  # share of a list's names that makes labels that list: some add a background, or spell a few otherwise


def class_names(language: str, labels: Sequence[str]) -> tuple[str, ...]:
    """Labels as a person reads them: ImageNet's, CIFAR-10's and the samples' in the language, others as they are."""
    return tuple(labels) if language == "en" else _translated(tuple(labels))


def set_name(language: str, name: str) -> str:
    """A set of pictures as a person reads it: its own name, or in the language what we have called it."""
    return name if language == "en" else SETS.get(name, name)


@lru_cache(maxsize=16)
def _translated(labels: tuple[str, ...]) -> tuple[str, ...]:
    given = set(labels)
    for names in (CIFAR, SAMPLES, _imagenet()) if given else ():
        if len(given & names.keys()) >= KNOWN * len(names):
            return tuple(names.get(label, label) for label in labels)
    return labels


@lru_cache(maxsize=1)
def _imagenet() -> Mapping[str, str]:
    """French names by English ones, in ImageNet's order; read when they are first asked for."""
    lines = Path(__file__).with_name("imagenet_fr.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines)
