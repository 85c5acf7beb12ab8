"""What errors say of a value that was expected, or of a reason, in French, by its English; # stands for a number."""

from __future__ import annotations

import re

PHRASES = {
    # shapes and sizes
    "(height, width, 3)": "(hauteur, largeur, 3)",
    "(3, height, width)": "(3, hauteur, largeur)",
    "(N, #, height, width)": "(N, #, hauteur, largeur)",
    "(#, #, height, width)": "(#, #, hauteur, largeur)",
    "(#, height, width)": "(#, hauteur, largeur)",
    "(#, height, width, #)": "(#, hauteur, largeur, #)",
    "(maps, height, width)": "(cartes, hauteur, largeur)",
    "(height, width), or uint8 pixels": "(hauteur, largeur), ou des pixels uint8",
    "a side in pixels, or (height, width)": "un côté en pixels, ou (hauteur, largeur)",
    "a side or (height, width) in pixels": "un côté ou (hauteur, largeur), en pixels",
    "at least size, #": "au moins size, #",
    "at least # pixels": "au moins # pixels",
    "at least one map of one value": "au moins une carte d’une valeur",
    # numbers
    "finite numbers": "des nombres finis",
    "positive numbers": "des nombres positifs",
    "# to #": "de # à #",
    "a number from # up": "un nombre d’au moins #",
    "a number from # to #": "un nombre de # à #",
    "a number from #, below #": "un nombre d’au moins # et de moins de #",
    "a number above # and up to #": "un nombre au-dessus de #, jusqu’à #",
    "a number above #, up to #": "un nombre au-dessus de #, jusqu’à #",
    "a number of # or more": "un nombre d’au moins #",
    "a number, # or more": "un nombre d’au moins #",
    "a whole number from # up": "un nombre entier d’au moins #",
    "a whole number from # to #": "un nombre entier de # à #",
    "a whole number, # or more": "un nombre entier d’au moins #",
    "one number a channel: mean=(0.5, 0.5, 0.5)": "un nombre par canal, mean=(0.5, 0.5, 0.5)",
    "1 or 3 numbers, as many for mean as for std": "1 ou 3 nombres, autant pour mean que pour std",
    "a number, or a tensor like x (#, #, #, #)": "un nombre, ou un tenseur comme x (#, #, #, #)",
    # choices
    "bilinear or bicubic": "bilinear ou bicubic",
    "logits or probabilities": "logits ou probabilities",
    "0 with smooth, or the reverse": "0 avec smooth, ou l’inverse",
    "mean=0.5 (what training subtracted from pixels in 0..1, one number or one a channel; 0 for nothing)": "mean=0.5 "
    "(ce que l’entraînement a retranché des pixels dans 0..1, un nombre ou un par canal ; 0 pour rien)",
    "std=0.5 (what training then divided by; 1 for nothing)": "std=0.5 (ce par quoi il a ensuite divisé ; 1 pour rien)",
    "size=32 (side in pixels, or (height, width))": "size=32 (le côté en pixels, ou (hauteur, largeur))",
    # reasons
    "far too many pixels": "beaucoup trop de pixels",
    "unknown format": "format inconnu",
    "cut short, or not a state dict": "tronqué, ou pas un state_dict",
    "not a state dict": "ce n’est pas un state_dict",
    "no such file": "fichier absent",
    "names are not the ten CIFAR-10 classes in order": "names n’est pas la liste ordonnée des dix classes de CIFAR-10",
    "unknown": "raison inconnue",
}
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])")
EXAMPLES = re.compile(r"(?<=\)), (?=\w+=)")


def translate(text: str) -> str:
    """A phrase, or several examples, in French; what is not known, such as the system's own words, as it is."""
    return ", ".join(map(_phrase, EXAMPLES.split(text)))


def _phrase(text: str) -> str:
    if text in PHRASES:
        return PHRASES[text]
    found = PHRASES.get(NUMBER.sub("#", text), text)
    for number in NUMBER.findall(text):
        found = found.replace("#", number.replace(".", ","), 1)
    return found
