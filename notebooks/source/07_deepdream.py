# %% [markdown] tags=["en"]
# # DeepDream
#
# `nnviz.DeepDream` shows what a network would like to see in your photo (Mordvintsev, Olah and Tyka, 2015). The photo $x$
# is changed step by step so that a layer answers more strongly. With $E$, half the mean square of the activations, and
# $s$, the step size:
#
# $$x \leftarrow x + s \, \frac{g}{\text{mean}\, |g|}, \qquad g = \frac{\partial E}{\partial x}.$$
#
# This $g$ is what the page on [saliency](04_saliency.ipynb) shows; here it is followed. It is done at several sizes, small
# to large, the octaves: what was dreamt at one is enlarged and dreamt on at the next.

# %% [markdown] tags=["fr"]
# # DeepDream
#
# `nnviz.DeepDream` montre ce qu’un réseau aimerait voir dans votre photo (Mordvintsev, Olah et Tyka, 2015). La photo $x$
# est modifiée pas à pas pour qu’une couche réponde plus fort. Avec $E$, la moitié du carré moyen des activations, et
# $s$, la taille du pas :
#
# $$x \leftarrow x + s \, \frac{g}{\text{mean}\, |g|}, \qquad g = \frac{\partial E}{\partial x}.$$
#
# Ce $g$ est ce que montre la page sur la [saillance](04_saliency.ipynb) ; ici, on le suit. On le fait à plusieurs tailles,
# de la petite à la grande, les octaves : le rêve fait à l’une est agrandi et se poursuit à la suivante.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
imagenet = nnviz.load()

# %% [markdown] tags=["en"]
# ## The widget
#
# The dream grows while you watch. Move the step size or the jitter meanwhile: they steer it, and nothing begins anew.
# Pause, take single steps, go on; upload a photo of your own. A larger side and more steps dream deeper, and take longer.

# %% [markdown] tags=["fr"]
# ## Le widget
#
# Le rêve grandit sous vos yeux. Réglez pendant ce temps la taille du pas ou le décalage : ils le pilotent, et rien ne
# recommence. Faites une pause, avancez pas à pas, reprenez ; téléversez une photo à vous. Un plus grand côté et plus de pas
# font rêver plus profond, et plus longtemps.

# %%
nnviz.DeepDream(imagenet, "cat", side=256, steps=10)

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Picture | `photo` | a sample, a path, a PIL image, an array or a tensor; it is not cropped |
# | layer, channels, class | `of` | what is strengthened: all of a layer, some channels, or a class |
# | Layer | `layer` | which one; early ones dream of edges, late ones of eyes and faces |
# | Channels | `channels` | numbers of the layer's channels |
# | Class | `target` | name or index; empty (`None`) for the most probable one |
# | Octaves | `octaves` | how many sizes |
# | Scale | `octave_scale` | how much larger each is than the one before |
# | Steps | `steps` | in each octave |
# | Step size | `step_size` | mean change of a pixel in one step, of 255; steers |
# | Jitter | `jitter` | largest random shift in pixels; steers |
# | Guide | `guide` | a second picture, whose features are looked for |
# | Longest side | `side` | pixels to which a larger photo is reduced |
# | Tile | `tile` | pixels that go through the network at once, a side |
# | Seed | `seed` | of the random shifts |
# | Start | `autorun` | whether the run begins at once (`True`) or waits for you |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Image | `photo` | un exemple, un chemin, une image PIL, un tableau ou un tenseur ; elle n’est pas rognée |
# | couche, canaux, classe | `of` | ce qui est renforcé : toute une couche, quelques canaux, ou une classe |
# | Couche | `layer` | laquelle ; les premières rêvent de bords, les dernières d’yeux et de visages |
# | Canaux | `channels` | numéros de canaux de la couche |
# | Classe | `target` | nom ou indice ; vide (`None`) pour la plus probable |
# | Octaves | `octaves` | combien de tailles |
# | Échelle | `octave_scale` | de combien chacune dépasse la précédente |
# | Pas | `steps` | dans chaque octave |
# | Taille du pas | `step_size` | changement moyen d’un pixel en un pas, sur 255 ; agit en cours de route |
# | Décalage | `jitter` | plus grand décalage aléatoire, en pixels ; agit en cours de route |
# | Guide | `guide` | une seconde image, dont on cherche les traits |
# | Grand côté | `side` | nombre de pixels auquel une photo plus grande est réduite |
# | Tuile | `tile` | nombre de pixels, par côté, qui passent à la fois dans le réseau |
# | Graine | `seed` | des décalages aléatoires |
# | Démarrer | `autorun` | si le calcul commence aussitôt (`True`) ou vous attend |

# %% [markdown] tags=["en"]
# ## Early and late
#
# An early layer knows edges and strokes; a late one has seen a thousand kinds of things, most of them animals.

# %% [markdown] tags=["fr"]
# ## Tôt et tard
#
# Une des premières couches connaît des bords et des traits ; une des dernières a vu mille sortes de choses, surtout des
# animaux.

# %%
nnviz.DeepDream(imagenet, "coffee", layer="stage4.2.expand.relu6", side=256, steps=10)

# %% [markdown] tags=["en"]
# ## A guide
#
# With a second picture, each place strives for what resembles it most over there: the match among the guide's
# activations with the largest dot product. Here the rocket's night takes what it can from a cat.

# %% [markdown] tags=["fr"]
# ## Un guide
#
# Avec une seconde image, chaque endroit tend vers ce qui, en elle, lui ressemble le plus : parmi les activations du guide,
# celle dont le produit scalaire est le plus grand. Ici, la nuit de la fusée prend ce qu’elle peut à un chat.

# %%
nnviz.DeepDream(imagenet, "rocket", guide="cat", side=192, steps=6)

# %% [markdown] tags=["en"]
# ## From code
#
# `compute()` waits for the dream and returns its last step; `save` writes what is seen, `save_dream` the dream alone in
# all its pixels.

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# `compute()` attend le rêve et rend son dernier pas ; `save` enregistre ce qu’on voit, `save_dream` le rêve seul, avec
# tous ses pixels.

# %%
view = nnviz.DeepDream(imagenet, "astronaut", of="class", target="goldfish", side=224, steps=5)
view.compute().value, view.save("astronaut.png"), view.save_dream("dream.png")

# %% [markdown] tags=["en"]
# Without a widget, `methods.deepdream` is a generator. Any objective will do, also one that takes something away; the
# same seed gives the same dream, and from the state of a step it goes on as if it had never stopped.

# %% [markdown] tags=["fr"]
# Sans widget, `methods.deepdream` est un générateur. Tout objectif convient, même s’il retranche quelque chose ; la même
# graine donne le même rêve, et à partir de l’état d’un pas il reprend comme s’il ne s’était jamais arrêté.

# %%
from nnviz_widgets import methods

photo = nnviz.sample("coffee")
objective = nnviz.layer_energy("stage5.2") - nnviz.layer_energy("stage3.1") / 2
steps = list(methods.deepdream(imagenet, photo, objective, max_side=160, octaves=2, steps=4))
rest = list(methods.deepdream(imagenet, photo, objective, max_side=160, octaves=2, steps=4, start=steps[3].state))
steps[-1].image.shape, bool((rest[-1].image == steps[-1].image).all())

# %% [markdown] tags=["en"]
# ## The flight
#
# Dream a little, go 5 % nearer, dream on: the button writes such a flight beside the notebook, and so does this cell.

# %% [markdown] tags=["fr"]
# ## Le vol
#
# Rêver un peu, s’approcher de 5 %, rêver encore : le bouton écrit un tel vol à côté du notebook, et cette cellule aussi.

# %%
flight = view.save_flight("flight.webp", frames=8)
flight.stat().st_size

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - The dream shows what the layer was trained to find, not what is in the photo: a network that knows mostly animals
#   finds animals in a cup.
# - Without jitter, the grid of the network's strides comes through.
# - With one octave only small patterns grow, for a receptive field has the same pixels at every size.
# - A large step size comes soon to the ends of black and white, and is noise there.
# - The values of two octaves cannot be compared: they are of pictures of different size.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - Le rêve montre ce que la couche a appris à trouver, non ce qui est dans la photo : un réseau qui connaît surtout des
#   animaux trouve des animaux dans une tasse.
# - Sans décalage, la grille due aux pas des convolutions transparaît.
# - Avec une seule octave, seuls de petits motifs poussent, car un champ récepteur compte les mêmes pixels à toute taille.
# - Un grand pas atteint vite les limites du noir et du blanc, et n’y est plus que du bruit.
# - Les valeurs de deux octaves ne se comparent pas : ce sont celles d’images de tailles différentes.
