# %% [markdown] tags=["en"]
# # Filters
#
# `nnviz.Filters` draws the weights of a convolution. With weights $w_k$, bias $b_k$ and stride $s$, filter $k$ gives,
# before any nonlinearity,
#
# $$z_k(u, v) = b_k + \sum_c \sum_{i, j} w_k(c, i, j)\; x_c(su + i,\, sv + j),$$
#
# which is largest where the input looks like $w_k$. In the first layer the channels $c$ are red, green and blue, so
# that a filter is a small colour picture (Krizhevsky et al., NIPS 2012, figure 3). The [tour](00_tour.ipynb) tells the
# story; this page is for those who want to use the widget.

# %% [markdown] tags=["fr"]
# # Les filtres
#
# `nnviz.Filters` dessine les poids d’une convolution. Avec les poids $w_k$, le biais $b_k$ et le pas $s$, le filtre $k$
# donne, avant toute non-linéarité,
#
# $$z_k(u, v) = b_k + \sum_c \sum_{i, j} w_k(c, i, j)\; x_c(su + i,\, sv + j),$$
#
# ce qui est le plus grand là où l’entrée ressemble à $w_k$. À la première couche, les canaux $c$ sont le rouge, le vert
# et le bleu : un filtre est alors une petite image en couleurs (Krizhevsky et al., NIPS 2012, figure 3). La
# [visite](00_tour.ipynb) raconte l’histoire ; cette page est pour qui veut se servir du widget.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
cifar = nnviz.load("cifar_net")
imagenet = nnviz.load()

# %% [markdown] tags=["en"]
# ## The widget
#
# The first network is the one that can be explored; of any others, the first layer stands beside it. Click a filter to
# see it by input channel, then walk from filter to filter with the arrow keys.

# %% [markdown] tags=["fr"]
# ## Le widget
#
# On explore le premier réseau ; des autres, on voit la première couche à côté. Cliquez sur un filtre pour le voir canal
# d’entrée par canal d’entrée, puis passez d’un filtre à l’autre avec les flèches du clavier.

# %%
nnviz.Filters(cifar, imagenet)

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Layer | `layer` | name of a convolution; the list gives (outputs, inputs, height, width) |
# | Filter | `filter` | which filter is shown by input channel |
# | Scale | `scale` | `"each"`: every filter uses all its greys, which shows its shape; `"shared"`: one scale for all, which shows which are strong |
# | | `theme` | `"auto"`, `"light"` or `"dark"` |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Couche | `layer` | nom d’une convolution ; la liste donne (sorties, entrées, hauteur, largeur) |
# | Filtre | `filter` | le filtre montré canal d’entrée par canal d’entrée |
# | Échelle | `scale` | `"each"` : chaque filtre utilise tous ses gris, ce qui montre sa forme ; `"shared"` : une échelle pour tous, ce qui montre lesquels sont forts |
# | | `theme` | `"auto"`, `"light"` ou `"dark"` |

# %% [markdown] tags=["en"]
# ## From code
#
# Everything that a person can set is a trait of the same name, in the constructor or later. `compute()` waits for the
# result and returns it, with or without a browser; `result` is the last one; `save` writes what is seen.

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# Tout ce qui se règle à la main est un trait du même nom, dès la construction ou plus tard. `compute()` attend le
# résultat et le rend, avec ou sans navigateur ; `result` est le dernier ; `save` enregistre ce qu’on voit.

# %%
view = nnviz.Filters(cifar, layer="conv2", filter=3, scale="shared")
view.compute().shape, view.save("filters.png")

# %% [markdown] tags=["en"]
# Without a widget, the method gives the weights alone: (outputs, inputs, height, width). Which filters of the first
# layer care least about colour? Their three channels hardly differ from their mean:

# %% [markdown] tags=["fr"]
# Sans widget, la méthode donne les poids seuls : (sorties, entrées, hauteur, largeur). Quels filtres de la première
# couche se soucient le moins de la couleur ? Ceux dont les trois canaux s’écartent à peine de leur moyenne :

# %%
from nnviz_widgets import methods

weights = methods.filters(cifar, "conv1")
grey = weights.mean(1, keepdim=True)
colour = (weights - grey).square().sum((1, 2, 3)) / weights.square().sum((1, 2, 3))
colour.argsort()[:5].tolist(), colour.argsort()[-5:].tolist()

# %% [markdown] tags=["en"]
# Two widgets go together when their traits are linked. Here is a twin of the small network that has not been trained:
# the same filter of both, one below the other.

# %% [markdown] tags=["fr"]
# Deux widgets vont ensemble quand leurs traits sont liés. Voici un jumeau du petit réseau, qui n’a pas été entraîné :
# le même filtre des deux, l’un sous l’autre.

# %%
import ipywidgets

untrained = nnviz.load("cifar_net", weights="random")
learnt, drawn = nnviz.Filters(cifar), nnviz.Filters(untrained)
link = ipywidgets.link((learnt, "filter"), (drawn, "filter"))
learnt.filter = 5

# %%
learnt

# %%
drawn

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - Weights are relative to what they are applied to: a filter of layer two has no colours, and its tiles cannot be read
#   without knowing what each of its inputs stands for. Look at [activation maps](02_activation_maps.ipynb) instead.
# - A scale of its own makes a dead filter look as busy as a strong one. Before saying what a filter detects, choose the
#   shared scale once.
# - The same network, trained twice, has its filters in another order: filter 5 of one says nothing about filter 5 of
#   the other.
# - Filters that stay noisy hint at a training that was too short, or a regularisation that was too weak; smooth ones do
#   not prove a good network.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - Des poids ne valent que par ce à quoi on les applique : un filtre de la deuxième couche n’a pas de couleurs, et ses
#   tuiles ne se lisent pas sans savoir ce que représente chacune de ses entrées. Regardez plutôt les [cartes
#   d’activation](02_activation_maps.ipynb).
# - Une échelle par filtre donne à un filtre mort l’air aussi actif qu’à un filtre fort. Avant de dire ce que détecte un
#   filtre, choisissez une fois l’échelle commune.
# - Le même réseau, entraîné deux fois, a ses filtres dans un autre ordre : le filtre 5 de l’un ne dit rien du filtre 5
#   de l’autre.
# - Des filtres qui restent bruités font soupçonner un entraînement trop court ou une régularisation trop faible ; des
#   filtres lisses ne prouvent pas que le réseau est bon.
