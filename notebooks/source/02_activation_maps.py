# %% [markdown] tags=["en"]
# # Activation maps
#
# `nnviz.ActivationMaps` shows what a layer makes of a picture. The values of one filter at all positions are a map, or
# *channel*; each value is a *neuron*,
#
# $$a_k(u, v) = \varphi\Big(b_k + \sum_c \sum_{i, j} w_k(c, i, j)\; x_c(su + i,\, sv + j)\Big).$$
#
# To watch them live is an idea of Yosinski et al. (*Understanding Neural Networks Through Deep Visualization*, 2015).
# The [tour](00_tour.ipynb) tells the story; this page is for those who want to use the widget.

# %% [markdown] tags=["fr"]
# # Les cartes d’activation
#
# `nnviz.ActivationMaps` montre ce qu’une couche fait d’une image. Les valeurs d’un filtre à toutes les positions
# forment une carte, ou *canal* ; chaque valeur est un *neurone*,
#
# $$a_k(u, v) = \varphi\Big(b_k + \sum_c \sum_{i, j} w_k(c, i, j)\; x_c(su + i,\, sv + j)\Big).$$
#
# L’idée de les observer en direct vient de Yosinski et al. (*Understanding Neural Networks Through Deep Visualization*,
# 2015). La [visite](00_tour.ipynb) raconte l’histoire ; cette page est pour qui veut se servir du widget.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
imagenet = nnviz.load()

# %% [markdown] tags=["en"]
# ## The widget
#
# Click a small map to see it large. Click in the large one to choose a neuron: its receptive field appears on the
# photo, and the arrow keys move on from there.

# %% [markdown] tags=["fr"]
# ## Le widget
#
# Cliquez sur une petite carte pour la voir en grand. Cliquez dans la grande pour choisir un neurone : son champ
# récepteur apparaît sur la photo, et les flèches du clavier permettent de continuer.

# %%
nnviz.ActivationMaps(imagenet, "astronaut", layer="stage6.3.expand.relu6", channel=970, overlay=0.5)

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Picture | `photo` | a sample (`"cat"`, `"coffee"`, `"rocket"`, `"astronaut"`), a path, a PIL image, an array, a tensor, or the camera |
# | Layer | `layer` | whose maps are shown, in the order of computation |
# | Channel | `channel` | which map is large |
# | | `unit` | (row, column) of a neuron of that map, or `None` |
# | Order | `order` | of the small maps: `"index"`, `"mean"` or `"maximum"` |
# | Scale | `scale` | `"shared"`: one scale for all maps; `"each"`: one a map |
# | Overlay | `overlay` | from 0, the bare photo, to 1: how strongly the map lies over it |
# | | `method` | your own function `f(module, x, layer)` |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Image | `photo` | un exemple (`"cat"`, `"coffee"`, `"rocket"`, `"astronaut"`), un chemin, une image PIL, un tableau, un tenseur, ou la caméra |
# | Couche | `layer` | celle dont on voit les cartes, dans l’ordre du calcul |
# | Canal | `channel` | la carte montrée en grand |
# | | `unit` | (ligne, colonne) d’un neurone de cette carte, ou `None` |
# | Ordre | `order` | celui des petites cartes : `"index"`, `"mean"` ou `"maximum"` |
# | Échelle | `scale` | `"shared"` : une échelle pour toutes les cartes ; `"each"` : une par carte |
# | Superposition | `overlay` | de 0, la photo nue, à 1 : à quel point la carte la recouvre |
# | | `method` | votre propre fonction `f(module, x, layer)` |

# %% [markdown] tags=["en"]
# ## From code
#
# Traits are set in the constructor or later; `compute()` waits for the result, (channels, height, width), and returns
# it; `save` writes what is seen.

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# Les traits se règlent dès la construction ou plus tard ; `compute()` attend le résultat, (canaux, hauteur, largeur),
# et le rend ; `save` enregistre ce qu’on voit.

# %%
view = nnviz.ActivationMaps(imagenet, "coffee", layer="stage3.1", channel=7)
view.unit = (10, 12)
view.compute().shape, view.save("maps.png")

# %% [markdown] tags=["en"]
# Without a widget, the same numbers come from a function. Which channels answer much more to one photo than to another?

# %% [markdown] tags=["fr"]
# Sans widget, une fonction donne les mêmes nombres. Quels canaux répondent bien plus à une photo qu’à une autre ?

# %%
from nnviz_widgets import methods

layer = "stage6.3.expand.relu6"
means = []
for name in ("astronaut", "cat"):
    x = imagenet.prepare(nnviz.sample(name))
    means.append(methods.activation_maps(imagenet, x, layer).mean((1, 2)))
(means[0] - means[1]).topk(5)

# %% [markdown] tags=["en"]
# Linked traits make two widgets move as one: the same layer and photo, another channel each.

# %% [markdown] tags=["fr"]
# Des traits liés font bouger deux widgets comme un seul : même couche et même photo, mais chacun son canal.

# %%
import ipywidgets

left = nnviz.ActivationMaps(imagenet, "cat", layer="stage5.1.expand.relu6", channel=387)
right = nnviz.ActivationMaps(imagenet, "cat", layer="stage5.1.expand.relu6", channel=203)
links = [ipywidgets.link((left, name), (right, name)) for name in ("photo", "layer", "overlay")]
left.photo = "astronaut"

# %%
left

# %%
right

# %% [markdown] tags=["en"]
# ## The camera
#
# A `Camera` stands in for a picture: the webcam of the browser that shows this page, at the pace of the network. Take
# the # away, run the cell, and let the browser use the camera. Which channel follows your face?

# %% [markdown] tags=["fr"]
# ## La caméra
#
# Une `Camera` tient lieu d’image : c’est la webcam du navigateur qui affiche cette page, au rythme du réseau. Ôtez le
# #, exécutez la cellule et autorisez le navigateur à utiliser la caméra. Quel canal suit votre visage ?

# %%
camera = nnviz.Camera()
# nnviz.ActivationMaps(imagenet, camera, layer="stage5.1.expand.relu6", channel=387)

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - One picture suggests what a channel looks for; it takes many to support it. Channel 387 marks the eyes of the cat;
#   does it mark yours?
# - A map with a scale of its own always looks active. Compare strengths on the shared scale only.
# - In this network $\varphi$ ends at 6: neurons that stand at 6 can no longer be told apart. Choose the layer before
#   (its name ends in `bn`) to see by how much they go beyond.
# - The receptive field is what a neuron *can* see. What moves it is a smaller part, which [saliency](04_saliency.ipynb)
#   shows.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - Une image suggère ce que cherche un canal ; il en faut beaucoup pour l’étayer. Le canal 387 marque les yeux du
#   chat ; marque-t-il les vôtres ?
# - Une carte qui a sa propre échelle paraît toujours active. Ne comparez des intensités que sur l’échelle commune.
# - Dans ce réseau, $\varphi$ s’arrête à 6 : les neurones qui sont à 6 ne se distinguent plus. Choisissez la couche
#   d’avant (son nom finit par `bn`) pour voir de combien ils dépassent.
# - Le champ récepteur est ce qu’un neurone *peut* voir. Ce qui le fait bouger est une partie plus petite, que montre la
#   [saillance](04_saliency.ipynb).
