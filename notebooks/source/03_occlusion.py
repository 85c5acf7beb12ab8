# %% [markdown] tags=["en"]
# # Occlusion
#
# `nnviz.Occlusion` covers a square of the picture and asks the network again, at every position of the square (Zeiler
# and Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, figure 7). With $x$ the picture, $q$ a
# position and $x^{(q)}$ the picture with the square there, it draws
#
# $$P(q) = p_c\big(x^{(q)}\big), \qquad C(q) = \arg\max_k\; p_k\big(x^{(q)}\big), \qquad A(q) = \sum_{u, v} a_m\big(x^{(q)}\big)(u, v),$$
#
# the probability of class $c$, the most probable class, and the total of $a_m$, the channel of a layer that is
# strongest on the whole picture. The [tour](00_tour.ipynb) tells the story; this page is for those who want to use the
# widget.

# %% [markdown] tags=["fr"]
# # L’occlusion
#
# `nnviz.Occlusion` couvre un carré de l’image et interroge le réseau à nouveau, pour chaque position du carré (Zeiler
# et Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014, figure 7). Soit $x$ l’image, $q$ une
# position et $x^{(q)}$ l’image avec le carré à cet endroit ; le widget dessine
#
# $$P(q) = p_c\big(x^{(q)}\big), \qquad C(q) = \arg\max_k\; p_k\big(x^{(q)}\big), \qquad A(q) = \sum_{u, v} a_m\big(x^{(q)}\big)(u, v),$$
#
# soit la probabilité de la classe $c$, la classe la plus probable, et le total de $a_m$, le canal d’une couche qui est
# le plus fort sur l’image entière. La [visite](00_tour.ipynb) raconte l’histoire ; cette page est pour qui veut se
# servir du widget.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
imagenet = nnviz.load()

# %% [markdown] tags=["en"]
# ## The widget
#
# Drag the square, or move it with the arrow keys; point at a map to put it at that position. The maps come coarse
# first, and finer until they are exact: the last ones are those of running each covered picture whole.

# %% [markdown] tags=["fr"]
# ## Le widget
#
# Faites glisser le carré, ou déplacez-le avec les flèches du clavier ; pointez un endroit d’une carte pour l’y
# mettre. Les cartes viennent d’abord grossières, puis de plus en plus fines jusqu’à être exactes : les
# dernières sont celles que donnerait chaque image couverte, passée en entier.

# %%
nnviz.Occlusion(imagenet, "rocket", size=48, stride=32)

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Picture | `photo` | a sample, a path, a PIL image, an array, a tensor, or the camera |
# | Class | `target` | name or index; empty (`None`) for the most probable one |
# | Layer | `layer` | whose strongest channel is added up; `""` for none |
# | Size | `size` | side of the square, in pixels |
# | Step | `stride` | pixels from one position to the next: half of it means four times the work |
# | Fill | `fill` | `"grey"` (the mean), `"black"`, `"white"`, `"blur"`, `"noise"`, three pixel values from 0 to 1, or a number in the network's units |
# | Half precision | `half` | faster on a GPU; the caption says what it costs |
# | | `square` | (top, left) of the square; `None` for where it takes most |
# | | `method` | your own function |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Image | `photo` | un exemple, un chemin, une image PIL, un tableau, un tenseur, ou la caméra |
# | Classe | `target` | nom ou indice ; vide (`None`) pour la plus probable |
# | Couche | `layer` | celle dont on additionne le canal le plus fort ; `""` pour aucune |
# | Taille | `size` | côté du carré, en pixels |
# | Pas | `stride` | pixels d’une position à la suivante : moitié moins, quatre fois plus de travail |
# | Remplissage | `fill` | `"grey"` (la moyenne), `"black"`, `"white"`, `"blur"`, `"noise"`, trois valeurs de pixel entre 0 et 1, ou un nombre dans les unités du réseau |
# | Demi-précision | `half` | plus rapide sur un GPU ; la légende dit ce qu’elle coûte |
# | | `square` | (haut, gauche) du carré ; `None` pour là où il ôte le plus |
# | | `method` | votre propre fonction |

# %% [markdown] tags=["en"]
# ## From code
#
# Traits are set in the constructor or later; `compute()` waits for the exact result and returns it; `save` writes what
# is seen. The result holds the scores of *all* classes at each position, so another class costs nothing. Where does the
# square harm "missile" most (top, left, height, width), and what is seen instead?

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# Les traits se règlent dès la construction ou plus tard ; `compute()` attend le résultat exact et le rend ; `save`
# enregistre ce qu’on voit. Le résultat contient les scores de *toutes* les classes à chaque position : une autre classe
# ne coûte rien. Où le carré nuit-il le plus à « missile » (haut, gauche, hauteur, largeur), et que voit alors le
# réseau ?

# %%
view = nnviz.Occlusion(imagenet, "rocket", layer="", size=64, stride=32)
found = view.compute()
missile = imagenet.class_index("missile")
row, col = divmod(int(found.probability(missile).argmin()), found.logits.shape[1])
view.square = tuple(found.boxes[row, col, :2].tolist())
view.save("rocket.png")
found.boxes[row, col].tolist(), imagenet.labels[int(found.predicted[row, col])]

# %% [markdown] tags=["en"]
# Without a widget, the method is a generator of better and better maps; the last is exact.

# %% [markdown] tags=["fr"]
# Sans widget, la méthode est un générateur de cartes de plus en plus fines ; la dernière est exacte.

# %%
from nnviz_widgets import methods

x = imagenet.prepare(nnviz.sample("coffee"))
espresso = imagenet.class_index("espresso")
for found in methods.occlusion(imagenet, x, size=64, stride=16):
    print(f"{found.done:4.0%}  {float(found.probability(espresso).min()):.3f}")

# %% [markdown] tags=["en"]
# How much does the answer depend on what the square is made of? The same 16 squares of 96 × 96 pixels, five times: the
# lowest probability of "espresso", and the classes that win somewhere.

# %% [markdown] tags=["fr"]
# À quel point la réponse dépend-elle de ce dont le carré est fait ? Les 16 mêmes carrés de 96 × 96 pixels, cinq fois :
# la plus basse probabilité d’« expresso », et les classes qui l’emportent quelque part.

# %%
for fill in ("grey", "black", "white", "blur", "noise"):
    *_, found = methods.occlusion(imagenet, x, size=96, stride=48, fill=fill)
    winners = [imagenet.labels[c] for c in found.predicted.unique().tolist()]
    print(f"{fill:6} {float(found.probability(espresso).min()):.3f}  {', '.join(winners)}")

# %% [markdown] tags=["en"]
# Linked traits make two widgets move as one. Drag one square, and the other follows.

# %% [markdown] tags=["fr"]
# Des traits liés font bouger deux widgets comme un seul. Faites glisser un carré : l’autre suit.

# %%
import ipywidgets

grey = nnviz.Occlusion(imagenet, "cat", layer="", size=96, stride=32, square=(64, 64))
white = nnviz.Occlusion(imagenet, "cat", layer="", size=96, stride=32, square=(64, 64), fill="white")
links = [ipywidgets.link((grey, name), (white, name)) for name in ("photo", "target", "size", "stride", "square")]
grey

# %%
white

# %% [markdown] tags=["en"]
# ## Your own function
#
# A function `f(module, x, target)` stands in for the method: it gets a copy of the network, the prepared picture and
# the index of the class, and gives the probability at each position, (rows, columns). The widget shows it beside its
# own and says where they differ most. What does it cost to run every picture whole?

# %% [markdown] tags=["fr"]
# ## Votre propre fonction
#
# Une fonction `f(module, x, target)` peut remplacer la méthode : elle reçoit une copie du réseau, l’image préparée et
# l’indice de la classe, et rend la probabilité à chaque position, (lignes, colonnes). Le widget la montre à côté de la
# sienne et dit où elles diffèrent le plus. Combien coûte-t-il de passer chaque image en entier ?

# %%
import torch


def my_occlusion(module, x, target):
    size, stride = 64, 32
    places = [*range(0, 224 - size, stride), 224 - size]
    rows = []
    for top in places:
        pictures = x.repeat(len(places), 1, 1, 1)
        for picture, left in zip(pictures, places, strict=True):
            picture[:, top : top + size, left : left + size] = 0
        with torch.no_grad():
            rows.append(module(pictures).softmax(1)[:, target])
    return torch.stack(rows)


nnviz.Occlusion(imagenet, "coffee", layer="", size=64, stride=32, method=my_occlusion)

# %% [markdown] tags=["en"]
# ## The camera
#
# A `Camera` stands in for a picture: the webcam of the browser that shows this page. Take the # away, run the cell, and
# let the browser use the camera. Freeze it to let the map become exact.

# %% [markdown] tags=["fr"]
# ## La caméra
#
# Une `Camera` tient lieu d’image : c’est la webcam du navigateur qui affiche cette page. Ôtez le #, exécutez la cellule
# et autorisez le navigateur à utiliser la caméra. Figez-la pour laisser la carte devenir exacte.

# %%
camera = nnviz.Camera()
# nnviz.Occlusion(imagenet, camera, layer="", size=64, stride=32)

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - A high value does not show that the hidden part is of no account: the rest of the picture may say the same thing.
#   Covered all over its face, the cat stays a cat.
# - The probability of one class also moves because others move. When "tabby" falls and "Egyptian cat" rises, little has
#   been said about cats.
# - The square is something to see. A black one turns the cup into a grille; try several fills before you believe a map.
# - A square much smaller than the object hides nothing, one much larger hides everything: try several sizes as well.
# - A value of the map belongs to a square, not to a pixel: it is drawn where the square stands in the order of
#   positions.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - Une valeur haute ne montre pas que la partie cachée ne compte pas : le reste de l’image dit peut-être la même chose.
#   Le visage couvert, le chat reste un chat.
# - La probabilité d’une classe bouge aussi parce que d’autres bougent. Quand « chat tigré » baisse et que « chat égyptien »
#   monte, on n’a pas dit grand-chose des chats.
# - Le carré est lui-même quelque chose à voir. Noir, il fait de la tasse une « calandre » ; essayez plusieurs
#   remplissages avant de croire une carte.
# - Un carré bien plus petit que l’objet ne cache rien, un bien plus grand cache tout : essayez aussi plusieurs tailles.
# - Une valeur de la carte appartient à un carré, non à un pixel : elle est dessinée selon le rang du carré parmi les
#   positions.
