# %% [markdown] tags=["en"]
# # Ascent
#
# `nnviz.Ascent` lets a picture grow that a class, a channel or one neuron likes best. From a start $x$ it climbs
#
# $$\arg\max_x \; S(x) - R(x),$$
#
# where $S$ is the score of a class before the softmax, or an activation, and $R$ stands for the priors: what keeps the
# picture like a photo. Without any, the network is soon sure, and nobody sees why. Simonyan et al. (ICLR workshop 2014)
# punish the squared norm, Yosinski et al. (ICML workshop 2015) blur the picture and clip what is small, Olah et al.
# (Distill 2017) shift and turn it a little before each step, and build it of waves. `nnviz.AscentColumns` puts priors side by
# side, and `nnviz.AscentSheet` makes pictures of many channels. The [tour](00_tour.ipynb) tells the story; this page is for
# those who want to use the widgets.

# %% [markdown] tags=["fr"]
# # La montée
#
# `nnviz.Ascent` fait croître l’image qu’une classe, un canal ou un seul neurone préfère. Depuis un départ $x$, elle
# monte vers
#
# $$\arg\max_x \; S(x) - R(x),$$
#
# où $S$ est le score d’une classe avant le softmax, ou une activation, et $R$ désigne les a priori : ce qui garde
# l’image proche d’une photo. Sans eux, le réseau est vite sûr de lui, et personne ne voit pourquoi. Simonyan et al.
# (atelier d’ICLR 2014) pénalisent le carré de la norme, Yosinski et al. (atelier d’ICML 2015) floutent l’image et ôtent
# ce qui est petit, Olah et al. (Distill 2017) la décalent et la tournent un peu avant chaque pas, et la composent
# d’ondes. `nnviz.AscentColumns` met des a priori côte à côte, et `nnviz.AscentSheet` fait les images de nombreux canaux.
# La [visite](00_tour.ipynb) raconte l’histoire ; cette page est pour qui veut se servir des widgets.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
imagenet = nnviz.load()
cifar = nnviz.load("cifar_net")

# %% [markdown] tags=["en"]
# ## The widget
#
# Move a slider while it runs: the run is steered, it does not begin anew. Drag the timeline to go back, and go on from
# there with another step size. Over the picture, space pauses and the arrow keys go back and forth. Here it ends after 64
# steps; raise "Steps" and it goes on.

# %% [markdown] tags=["fr"]
# ## Le widget
#
# Bougez un curseur pendant la montée : elle est pilotée, elle ne recommence pas. Faites glisser la chronologie pour revenir en
# arrière, et repartez de là avec une autre taille de pas. Sur l’image, la barre d’espace met en pause et les flèches
# vont d’un moment à l’autre. Ici, elle finit après 64 pas ; augmentez « Pas », et elle continue.

# %%
nnviz.Ascent(imagenet, steps=64)

# %% [markdown] tags=["en"]
# These ask another question, so the run begins anew:
#
# | Control | Trait | What it does |
# |---|---|---|
# | Raise | `of` | `"class"`, `"channel"` (its mean), `"neuron"`, `"direction"` or `"expression"` |
# | Class | `target` | a name or an index |
# | Layer, Channel | `layer`, `channel` | of the channel, neuron or direction |
# | Position | `unit` | (row, column) of the neuron; `None` for the middle |
# | Weights | `direction` | channels with their weights: `{12: 1, 40: -0.5}` |
# | | `objective` | an expression from code, such as `nnviz.logit(1) - nnviz.logit(2)` |
# | Start, Picture | `start_from`, `photo` | `"noise"`, `"zeros"`, `"photo"` or `"last"`: the last result |
# | Priors | `preset` | whose numbers are taken over; those of the paper stand below |
# | Step rule | `rule` | `"adam"`, `"plain"`, `"normalised"` or `"progress"` |
# | Fourier, Decay power, Decorrelated colours | `fourier`, `decay_power`, `decorrelated` | what the picture is made of: waves, how much stronger the long ones are, colours that vary independently |
# | Size, Pictures, Seed | `size`, `pictures`, `seed` | in pixels; how many at once; of all that is random |
# | | `autorun` | `False` waits for Start |
# | | `method` | your own step, see below |
# | Steps | `steps` | steers as all below: more of them let it go on |
# | Step size, Progress | `step_size`, `progress` | how far a step goes |
# | L2, Total variation | `l2`, `total_variation` | penalties on the norm, and on differences between neighbours |
# | Decay | `decay` | share of the picture that fades at each step |
# | Blur σ, Blur every | `sigma`, `every` | a Gaussian blur, in pixels, at every so manieth step |
# | Small values, Small norms, Contributions | `small_value`, `small_norm`, `small_contribution` | percentiles below which values or pixels are set to the mean |
# | Jitter, Scaling, Rotation | `jitter`, `scale`, `rotate` | random shifts in pixels, scalings, turns in degrees |
# | Redirected | `redirected` | first steps in which dead ReLUs let the gradient through |
# | Diversity | `diversity` | penalty on pictures that are alike |

# %% [markdown] tags=["fr"]
# Ceux-ci posent une autre question : la montée recommence.
#
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Faire croître | `of` | `"class"`, `"channel"` (sa moyenne), `"neuron"`, `"direction"` ou `"expression"` |
# | Classe | `target` | un nom ou un indice |
# | Couche, Canal | `layer`, `channel` | ceux du canal, du neurone ou de la direction |
# | Position | `unit` | (ligne, colonne) du neurone ; `None` pour le milieu |
# | Poids | `direction` | des canaux et leurs poids : `{12: 1, 40: -0.5}` |
# | | `objective` | une expression du code, par exemple `nnviz.logit(1) - nnviz.logit(2)` |
# | Départ, Image | `start_from`, `photo` | `"noise"`, `"zeros"`, `"photo"` ou `"last"` : le dernier résultat |
# | A priori | `preset` | ceux dont on reprend les nombres ; ceux de l’article figurent dessous |
# | Règle du pas | `rule` | `"adam"`, `"plain"`, `"normalised"` ou `"progress"` |
# | Fourier, Puissance de décroissance, Couleurs décorrélées | `fourier`, `decay_power`, `decorrelated` | ce dont l’image est faite : des ondes, à quel point les longues dominent, des couleurs qui varient indépendamment |
# | Taille, Images, Graine | `size`, `pictures`, `seed` | en pixels ; combien à la fois ; celle de tout ce qui est aléatoire |
# | | `autorun` | `False` attend Démarrer |
# | | `method` | votre propre pas, voir plus bas |
# | Pas | `steps` | agit en cours de route, comme tout ce qui suit : en ajouter prolonge la montée |
# | Taille du pas, Progrès | `step_size`, `progress` | de combien on avance à chaque pas |
# | L2, Variation totale | `l2`, `total_variation` | pénalités sur la norme, et sur les écarts entre voisins |
# | Atténuation | `decay` | part de l’image qui s’efface à chaque pas |
# | Flou σ, Flou tous les | `sigma`, `every` | un flou gaussien, en pixels, tous les tant de pas |
# | Petites valeurs, Petites normes, Contributions | `small_value`, `small_norm`, `small_contribution` | centiles au-dessous desquels valeurs ou pixels sont ramenés à la moyenne |
# | Décalage, Zoom, Rotation | `jitter`, `scale`, `rotate` | décalages en pixels, changements d’échelle, rotations en degrés, au hasard |
# | Redirection | `redirected` | premiers pas où les ReLU éteintes laissent passer le gradient |
# | Diversité | `diversity` | pénalité sur les images qui se ressemblent |

# %% [markdown] tags=["en"]
# ## From code
#
# `compute()` waits for the end of the run and returns what is shown, a step of `methods.ascent`; `start`, `pause`,
# `step`, `stop`, `restart` and `seek` are the buttons. Files: `save` writes the view, `save_picture` the picture alone,
# `save_animation` the run, `save_recipe` all that makes it again, how it was steered included.

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# `compute()` attend la fin de la montée et rend ce qui est montré, un pas de `methods.ascent` ; `start`, `pause`,
# `step`, `stop`, `restart` et `seek` sont les boutons. Fichiers : `save` enregistre la vue, `save_picture` l’image
# seule, `save_animation` la montée, `save_recipe` tout ce qui la refait, y compris la façon dont on l’a pilotée.

# %%
view = nnviz.Ascent(cifar, target="ship", steps=64)
result = view.compute()
view.save_picture("ship.png"), view.save_animation("ship.webp", size=128), view.save_recipe("ship.json")

# %%
from nnviz_widgets.methods.recipe import Recipe

*_, again = Recipe.load("ship.json").run(cifar)
result.value, again.value

# %% [markdown] tags=["en"]
# ## Why priors
#
# `nnviz.AscentColumns` raises the same class from the same seed under several priors at once. Without any, the network is
# as sure as with them, and there is nothing to see.

# %% [markdown] tags=["fr"]
# ## Pourquoi des a priori
#
# `nnviz.AscentColumns` fait croître la même classe, depuis la même graine, sous plusieurs a priori à la fois. Sans aucun,
# le réseau est tout aussi sûr qu’avec eux, et il n’y a rien à voir.

# %%
nnviz.AscentColumns(imagenet, columns=["None", "Distill"], steps=48, size=128)

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Objective | `of` | `"class"` or `"channel"` |
# | Class | `target` | a name or an index |
# | Layer, Channel | `layer`, `channel` | of the channel |
# | Priors | `columns` | names of presets, from left to right |
# | Size, Steps, Seed | `size`, `steps`, `seed` | in pixels; after which it ends; the same in all columns |
# | More contrast | `contrast` | shows faint pictures with more of it; the captions say how much |
# | | `autorun` | `False` waits for Start |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Objectif | `of` | `"class"` ou `"channel"` |
# | Classe | `target` | un nom ou un indice |
# | Couche, Canal | `layer`, `channel` | ceux du canal |
# | A priori | `columns` | des noms de préréglages, de gauche à droite |
# | Taille, Pas, Graine | `size`, `steps`, `seed` | en pixels ; après lesquels elle finit ; la même dans toutes les colonnes |
# | Plus de contraste | `contrast` | en donne aux images pâles ; les légendes disent combien |
# | | `autorun` | `False` attend Démarrer |

# %% [markdown] tags=["en"]
# ## Many channels
#
# `nnviz.AscentSheet` makes a picture for each channel, a batch at a time. Click one to open it below as an `Ascent` of its
# own.

# %% [markdown] tags=["fr"]
# ## De nombreux canaux
#
# `nnviz.AscentSheet` fait une image par canal, un lot à la fois. Cliquez sur l’une d’elles pour l’ouvrir au-dessous, dans
# un `Ascent` à elle.

# %%
nnviz.AscentSheet(cifar, layer="conv4", count=8, steps=48)

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Layer | `layer` | whose channels |
# | From channel, Channels | `first`, `count` | the first one, and how many |
# | Priors | `preset` | whose priors shape the pictures |
# | Size, Steps, Seed | `size`, `steps`, `seed` | in pixels; after which a picture is done; the same for all |
# | | `batch` | how many are made at once |
# | | `channel` | the one with the double outline; Enter opens it |
# | | `autorun` | `False` waits for Start |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Couche | `layer` | celle dont on montre les canaux |
# | Premier canal, Canaux | `first`, `count` | le premier, et combien |
# | A priori | `preset` | ceux qui façonnent les images |
# | Taille, Pas, Graine | `size`, `steps`, `seed` | en pixels ; après lesquels une image est finie ; la même pour toutes |
# | | `batch` | combien sont faites à la fois |
# | | `channel` | celui au double contour ; Entrée l’ouvre |
# | | `autorun` | `False` attend Démarrer |

# %% [markdown] tags=["en"]
# ## Your own step
#
# A function `f(module, x, target, ...)` stands in for the step: it gets a copy of the network, the picture and the index
# of the class, and gives the next picture. Whatever it names behind `target` it is given: `step`, how many steps came
# before, `step_size`, `l2`, `sigma` and all else that steers. Its run from the same start grows beside the reference's,
# and one step of it from the reference's own picture is held against the reference's: two runs drift apart by rounding
# alone.
#
# ```python
# def my_step(module, x, target, step_size, l2):
#     x.requires_grad_()
#     module(x)[0, target].backward()
#     return x.detach() + step_size * (x.grad - 2 * l2 * x.detach())
#
#
# nnviz.Ascent(cifar, preset="Simonyan", target="frog", steps=64, method=my_step)
# ```

# %% [markdown] tags=["fr"]
# ## Votre propre pas
#
# Une fonction `f(module, x, target, ...)` peut remplacer le pas : elle reçoit une copie du réseau, l’image et l’indice
# de la classe, et rend l’image suivante. Ce qu’elle nomme après `target`, elle le reçoit : `step`, le nombre de pas
# déjà faits, `step_size`, `l2`, `sigma` et tout ce qui pilote. Sa montée, partie du même départ, croît à côté de la
# référence, et l’un de ses pas, fait depuis l’image de la référence, est comparé au sien : les seuls arrondis finissent
# par écarter deux montées.
#
# ```python
# def my_step(module, x, target, step_size, l2):
#     x.requires_grad_()
#     module(x)[0, target].backward()
#     return x.detach() + step_size * (x.grad - 2 * l2 * x.detach())
#
#
# nnviz.Ascent(cifar, preset="Simonyan", target="frog", steps=64, method=my_step)
# ```

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - It is a picture that the network likes best under these priors, not the picture of a class: another seed, another
#   prior, another picture. Never show one alone.
# - A high value is no proof of a good picture. Without priors it is the highest.
# - Behind a ReLU a dead channel has no gradient; so the value before it is raised, and the title of the curve says so.
# - The value is of the picture as the network saw it, shifted and turned; the bars are of the picture as it is.
# - The best moment is the one with the highest value, not the one that pleases most: go back in the timeline.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - C’est une image que le réseau préfère sous ces a priori, non l’image d’une classe : autre graine, autre a priori,
#   autre image. N’en montrez jamais une seule.
# - Une valeur élevée ne prouve pas une bonne image. C’est sans a priori qu’elle est la plus haute.
# - Après une ReLU, un canal éteint n’a pas de gradient ; on fait donc croître la valeur d’avant, et le titre de la
#   courbe le dit.
# - La valeur est celle de l’image telle que le réseau l’a vue, décalée et tournée ; les barres, celles de l’image même.
# - Le meilleur moment est celui de la plus haute valeur, non celui qui plaît le plus : revenez dans la chronologie.
