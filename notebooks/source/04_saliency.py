# %% [markdown] tags=["en"]
# # Saliency
#
# `nnviz.Saliency` shows how a score answers to a small change of each pixel. For a score $S$ of picture $x$, the map is
#
# $$M(u, v) = \max_{k}\, \left|\frac{\partial S}{\partial x_k(u, v)}\right|,$$
#
# the largest of the three colours (Simonyan et al., ICLR workshop 2014). $S$ may be the score of a class, that of one
# class minus another, a channel or one neuron. On the way back through a ReLU, three rules are known: the gradient
# itself, the deconvnet (Zeiler and Fergus, ECCV 2014) and guided backpropagation (Springenberg et al., ICLR workshop
# 2015). The [tour](00_tour.ipynb) tells the story; this page is for those who want to use the widget.

# %% [markdown] tags=["fr"]
# # La saillance
#
# `nnviz.Saliency` montre comment un score répond à un petit changement de chaque pixel. Pour un score $S$ de l’image
# $x$, la carte est
#
# $$M(u, v) = \max_{k}\, \left|\frac{\partial S}{\partial x_k(u, v)}\right|,$$
#
# la plus grande des trois couleurs (Simonyan et al., atelier d’ICLR 2014). $S$ peut être le score d’une classe, celui
# d’une classe moins une autre, un canal ou un seul neurone. Pour repasser une ReLU, on connaît trois règles : le
# gradient lui-même, le *deconvnet* (Zeiler et Fergus, ECCV 2014) et la rétropropagation guidée (Springenberg et al.,
# atelier d’ICLR 2015). La [visite](00_tour.ipynb) raconte l’histoire ; cette page est pour qui veut se servir du
# widget.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
imagenet = nnviz.load()
cifar = nnviz.load("cifar_net")

# %% [markdown] tags=["en"]
# ## The widget

# %% [markdown] tags=["fr"]
# ## Le widget

# %%
nnviz.Saliency(imagenet, "coffee")

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Picture | `photo` | a sample, a path, a PIL image, an array, a tensor, or the camera |
# | Gradient of | `of` | `"class"`, `"channel"` (its mean) or `"neuron"` |
# | Class, Minus class | `target`, `against` | names or indices; `None` for the most probable one, and for nothing to take away |
# | Layer, Channel | `layer`, `channel` | of the channel or neuron |
# | | `unit` | (row, column) of the neuron: click the photo or the activation map; `None` for the strongest |
# | Vanilla, Deconvnet, Guided | `rules` | which are shown |
# | Shown | `view` | `"magnitude"`, `"signed"` (sum of the colours) or `"times_input"` |
# | Overlay | `overlay` | from 1, the map alone, to 0, the photo alone |
# | Colours end at | `clip` | the percentile at which the colours end: 100 hides nothing |
# | SmoothGrad, Noise | `smooth`, `noise` | the mean over noisy copies of the picture (Smilkov et al., 2017) |
# | Integrated Gradients, Baseline | `integrated`, `baseline` | the mean over the way from another picture, times that way (Sundararajan et al., ICML 2017) |
# | Sanity check | `randomised` | how many of the last layers get random weights (Adebayo et al., NeurIPS 2018) |
# | | `method` | your own function |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Image | `photo` | un exemple, un chemin, une image PIL, un tableau, un tenseur, ou la caméra |
# | Gradient de | `of` | `"class"`, `"channel"` (sa moyenne) ou `"neuron"` |
# | Classe, Moins la classe | `target`, `against` | noms ou indices ; `None` pour la plus probable, et pour ne rien retrancher |
# | Couche, Canal | `layer`, `channel` | ceux du canal ou du neurone |
# | | `unit` | (ligne, colonne) du neurone : cliquez sur la photo ou la carte d’activation ; `None` pour le plus fort |
# | Simple (vanilla), Deconvnet, Guidée | `rules` | celles que l’on montre |
# | Montrer | `view` | `"magnitude"`, `"signed"` (somme des couleurs) ou `"times_input"` |
# | Superposition | `overlay` | de 1, la carte seule, à 0, la photo seule |
# | Fin des couleurs | `clip` | le centile où les couleurs s’arrêtent : 100 ne cache rien |
# | SmoothGrad, Bruit | `smooth`, `noise` | la moyenne sur des copies bruitées de l’image (Smilkov et al., 2017) |
# | Gradients intégrés, Départ | `integrated`, `baseline` | la moyenne sur le chemin depuis une autre image, multipliée par ce chemin (Sundararajan et al., ICML 2017) |
# | Test de cohérence | `randomised` | combien des dernières couches reçoivent des poids au hasard (Adebayo et al., NeurIPS 2018) |
# | | `method` | votre propre fonction |

# %% [markdown] tags=["en"]
# ## From code
#
# Traits are set in the constructor or later; `compute()` waits for the result, a gradient like the picture for each
# rule, and returns it; `save` writes what is seen. What speaks for a tabby and not for an Egyptian cat?

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# Les traits se règlent dès la construction ou plus tard ; `compute()` attend le résultat, un gradient de la forme de
# l’image pour chaque règle, et le rend ; `save` enregistre ce qu’on voit. Qu’est-ce qui plaide pour un « chat tigré » et non
# pour un chat égyptien ?

# %%
view = nnviz.Saliency(imagenet, "cat", target="tabby", against="Egyptian cat", rules=("vanilla",))
view.smooth = 16
{rule: tuple(gradient.shape) for rule, gradient in view.compute().items()}, view.save("tabby.png")

# %% [markdown] tags=["en"]
# Without a widget, the objective is a value that can be added to and subtracted from. Integrated Gradients share out
# the whole difference between two pictures, here between a grey one and the photo: with enough steps, their sum is what
# the score has gained. A deep network needs hundreds of them.

# %% [markdown] tags=["fr"]
# Sans widget, l’objectif est une valeur qu’on peut additionner et soustraire. Les gradients intégrés répartissent toute
# la différence entre deux images, ici entre une grise et la photo : avec assez de pas, leur somme est ce que le score a
# gagné. Il en faut des centaines à un réseau profond.

# %%
from nnviz_widgets import methods

x = cifar.prepare(nnviz.sample("cat"))
frog, cat = cifar.class_index("frog"), cifar.class_index("cat")
for steps in (4, 16, 64, 256):
    parts = methods.saliency(cifar, x, nnviz.logit(frog) - nnviz.logit(cat), integrated=steps, baseline=0.0)
    print(f"{steps:3}  {float(parts.sum()):.3f}")
change = cifar.logits(x) - cifar.logits(0 * x)
float(change[0, frog] - change[0, cat])

# %% [markdown] tags=["en"]
# Linked traits make two widgets move as one. Click a neuron in the large activation map: the lower widget shows what
# moves it. This layer comes just before a nonlinearity, so that each of its neurons has a gradient.

# %% [markdown] tags=["fr"]
# Des traits liés font bouger deux widgets comme un seul. Cliquez sur un neurone de la grande carte d’activation : le
# widget du dessous montre ce qui le fait bouger. Cette couche précède une non-linéarité : chacun de ses neurones a donc
# un gradient.

# %%
import ipywidgets

layer = "stage3.1.expand.bn"
maps = nnviz.ActivationMaps(imagenet, "cat", layer=layer, channel=114, unit=(10, 8))
moved = nnviz.Saliency(
    imagenet, "cat", of="neuron", layer=layer, channel=114, unit=(10, 8), rules=("vanilla", "guided")
)
links = [ipywidgets.link((maps, name), (moved, name)) for name in ("photo", "channel", "unit")]
maps

# %%
moved

# %% [markdown] tags=["en"]
# ## Your own function
#
# A function `f(module, x, target)` stands in for the method: it gets a copy of the network to take apart as it likes,
# the prepared picture and the index of the class, and gives a gradient like the picture. It is held against the first
# of the rules. Here is guided backpropagation with the hooks of PyTorch.

# %% [markdown] tags=["fr"]
# ## Votre propre fonction
#
# Une fonction `f(module, x, target)` peut remplacer la méthode : elle reçoit une copie du réseau, à démonter à sa
# guise, l’image préparée et l’indice de la classe, et rend un gradient de la forme de l’image. On la compare à la
# première des règles. Voici la rétropropagation guidée, avec les crochets (*hooks*) de PyTorch.

# %%
from torch import nn


def positive(relu, down, up):
    return (down[0].clamp(min=0),)


def my_guided(module, x, target):
    for part in module.modules():
        if isinstance(part, nn.ReLU):
            part.register_full_backward_hook(positive)
    x.requires_grad_()
    module(x)[0, target].backward()
    return x.grad


nnviz.Saliency(cifar, "cat", rules=("guided",), method=my_guided)

# %% [markdown] tags=["en"]
# ## The camera
#
# A `Camera` stands in for a picture: the webcam of the browser that shows this page, at the pace of the network. Take
# the # away, run the cell, and let the browser use the camera.

# %% [markdown] tags=["fr"]
# ## La caméra
#
# Une `Camera` tient lieu d’image : c’est la webcam du navigateur qui affiche cette page, au rythme du réseau. Ôtez le
# #, exécutez la cellule et autorisez le navigateur à utiliser la caméra.

# %%
camera = nnviz.Camera()
# nnviz.Saliency(imagenet, camera, rules=("vanilla",))

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - Clear is not the same as true. Guided maps hardly change when the class changes, and little more when the last
#   layers are destroyed: move the sanity check before you show one to anybody.
# - A gradient is local. Where a neuron stands at its ceiling, or a score has levelled off, it is 0 although the part
#   counts; Integrated Gradients look at the whole way.
# - A magnitude does not tell for from against: choose the signed view.
# - Colours end at the 99th percentile, so that a few pixels do not darken all others; the caption gives the real range.
# - The deconvnet and guided rules are about ReLUs. Networks with SiLU or GELU have none, and the widget refuses.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - Net ne veut pas dire juste. Les cartes guidées changent à peine quand la classe change, et guère plus quand les
#   dernières couches sont détruites : faites le test de cohérence avant d’en montrer une à qui que ce soit.
# - Un gradient est local. Là où un neurone est à son plafond, ou un score à son palier, il est nul alors que la partie
#   compte ; les gradients intégrés regardent tout le chemin.
# - Une valeur absolue ne distingue pas le pour du contre : choisissez la vue avec signe.
# - Les couleurs s’arrêtent au 99e centile, pour que quelques pixels n’assombrissent pas tous les autres ; la légende
#   donne l’étendue réelle.
# - Les règles du *deconvnet* et guidée parlent de ReLU. Les réseaux à SiLU ou à GELU n’en ont pas, et le widget refuse.
