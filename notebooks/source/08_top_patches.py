# %% [markdown] tags=["en"]
# # Top patches
#
# `nnviz.TopPatches` answers the question "what is this channel for?" with pictures: of all those that the network has
# seen, the ones that excite the channel most, each cut to what the neuron can see. Below each stands what in the patch
# excites it, by deconvnet (Zeiler and Fergus, ECCV 2014) or guided backpropagation (Springenberg et al., ICLR workshop
# 2015).
#
# The [tour](00_tour.ipynb) tells the story; this page is for those who want to use the widget.

# %% [markdown] tags=["fr"]
# # Les meilleurs fragments
#
# `nnviz.TopPatches` répond par des images à la question « à quoi sert ce canal ? » : parmi toutes celles que le réseau
# a vues, celles qui excitent le plus le canal, chacune découpée à ce que le neurone peut voir. Sous chacune, ce qui,
# dans le fragment, l’excite, par deconvnet (Zeiler et Fergus, ECCV 2014) ou par rétropropagation guidée (Springenberg
# et al., atelier d’ICLR 2015).
#
# La [visite](00_tour.ipynb) raconte l’histoire ; cette page est pour qui veut se servir du widget.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
imagenet = nnviz.load()

# %% [markdown] tags=["en"]
# ## The widget
#
# Without pictures of your own it looks at the offline samples: 147 overlapping crops of four photos. It scans them once,
# in a few seconds, and shows what it has found so far; Cancel keeps what is done. The next time it opens at once.
#
# Channel 7 of this layer likes an eye. Click a patch: its picture opens below with all maps of the layer.

# %% [markdown] tags=["fr"]
# ## Le widget
#
# Sans images à vous, il regarde les exemples fournis : 147 morceaux de quatre photos, qui se recouvrent. Il les parcourt
# une fois, en quelques secondes, et montre ce qu’il a trouvé jusque-là ; « Annuler » garde ce qui est fait. La fois
# suivante, il s’ouvre aussitôt.
#
# Le canal 7 de cette couche aime les yeux. Cliquez sur un fragment : son image s’ouvre au-dessous, avec toutes les cartes
# de la couche.

# %%
nnviz.TopPatches(imagenet, layer="stage5.1", channel=7)

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Layer | `layer` | the blocks of the network, and its first maps |
# | Channel | `channel` | which channel; in the patches, arrow keys up and down move it too |
# | Page | `page` | `"channel"`, or `"all"`: the best patch of every channel of the layer; click one to open it |
# | Pictures | `kind` | `"largest"`, `"smallest"` or `"random"`: without the other two, one sees patterns everywhere |
# | Reconstruction | `rule` | `"guided"`, `"deconvnet"`, `"vanilla"` or `"none"` |
# | Others | `seed` | other random pictures |
# | Whole pictures | `whole` | the picture with the field drawn, instead of the field alone |
# | | `chosen` | the patch with the double outline; Enter opens it, Escape closes it |
#
# A neuron of an early layer sees a small square: that is the patch. Deeper, its receptive field is most of the picture.
# Then the patch is the *effective* field, the smallest box that holds 95 % of the gradient (Luo et al., NeurIPS 2016);
# the line below says which.

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Couche | `layer` | les blocs du réseau, et ses premières cartes |
# | Canal | `channel` | le canal ; sur les fragments, les flèches haut et bas en changent aussi |
# | Page | `page` | `"channel"`, ou `"all"` : le meilleur fragment de chaque canal de la couche ; un clic l’ouvre |
# | Images | `kind` | `"largest"` (les plus grandes), `"smallest"` (les plus petites) ou `"random"` (au hasard) : sans les deux autres, on voit des motifs partout |
# | Reconstruction | `rule` | `"guided"`, `"deconvnet"`, `"vanilla"` ou `"none"` |
# | D’autres | `seed` | d’autres images au hasard |
# | Images entières | `whole` | l’image où le champ est tracé, au lieu du champ seul |
# | | `chosen` | le fragment au double contour ; Entrée l’ouvre, Échap le ferme |
#
# Un neurone des premières couches voit un petit carré : c’est le fragment. Plus loin, son champ récepteur couvre presque
# toute l’image. Le fragment est alors le champ *effectif*, le plus petit cadre qui contient 95 % du gradient (Luo et
# al., NeurIPS 2016) ; la ligne du dessous dit lequel des deux on voit.

# %% [markdown] tags=["en"]
# All channels of a layer on one page, as a contact sheet:

# %% [markdown] tags=["fr"]
# Tous les canaux d’une couche sur une page, comme une planche-contact :

# %%
nnviz.TopPatches(imagenet, layer="stage2.1", page="all")

# %% [markdown] tags=["en"]
# ## Your own pictures
#
# Anything that an `ImageSet` takes: a folder (its subfolders are the classes), a list of files, a dataset, an array.
# The index is kept in the folder `path`; a scan that was interrupted goes on there, and new pictures are added without
# starting over. Here scikit-learn's digits go through a network trained on small photos.

# %% [markdown] tags=["fr"]
# ## Vos propres images
#
# Tout ce qu’un `ImageSet` accepte : un dossier (ses sous-dossiers sont les classes), une liste de fichiers, un jeu de
# données, un tableau. L’index est gardé dans le dossier `path` ; un parcours interrompu y reprend, et de nouvelles
# images s’y ajoutent sans tout recommencer. Voici les chiffres de scikit-learn à travers un réseau entraîné sur de
# petites photos.

# %%
from nnviz_widgets import methods

small = nnviz.load("cifar_net")
digits = nnviz.ImageSet("digits")
*_, progress = methods.scan(small, digits, path="digits_scan")
progress.index

# %%
nnviz.TopPatches(small, progress.index)

# %% [markdown] tags=["en"]
# ## From code
#
# `compute()` waits for the end, and returns the patches, best first. Each knows its winner (picture, row, column, value),
# the part of the picture, and whether running the network again gave the same value.

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# `compute()` attend la fin et rend les fragments, le meilleur d’abord. Chacun connaît son vainqueur (image, ligne,
# colonne, valeur), la partie de l’image, et sait si le réseau, relancé, a redonné la même valeur.

# %%
other = nnviz.TopPatches(imagenet, layer="stage5.1", channel=66)
best = other.compute()
best[0].winner, best[0].rect, best[0].reproduced, best[0].crop.shape

# %% [markdown] tags=["en"]
# The index holds much more: the values of every channel of every layer, and what the channels do on average.

# %% [markdown] tags=["fr"]
# L’index en contient bien davantage : les valeurs de chaque canal de chaque couche, et ce que les canaux font en
# moyenne.

# %%
index = other.index
statistics = index.statistics("stem.bn")
never = int((statistics.greatest <= 0).sum())
index.values("stage5.1").shape, f"{never} channels of stem.bn never rise above zero"

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - Nine pictures are few. Look at random and smallest ones before you name a channel, and at channels that you can *not*
#   name.
# - The best patches of a set say what excites a channel *in that set*: overlapping crops of four photos show the same
#   spot again and again.
# - Guided backpropagation draws fine lines whatever the neuron; it shows where something counts, not what it means.
# - Bounded activations tie: in the stem of this network a ReLU6 cuts many pictures to the same 6. The scan ranks values
#   before such an activation; the line below says so.
# - A warning that re-running gives another value means that weights or pictures have changed since the scan.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - Neuf images, c’est peu. Regardez celles au hasard et les plus petites avant de nommer un canal, et les canaux que
#   vous ne savez *pas* nommer.
# - Les meilleurs fragments d’un ensemble disent ce qui excite un canal *dans cet ensemble* : des morceaux de quatre
#   photos qui se recouvrent montrent toujours le même endroit.
# - La rétropropagation guidée trace des lignes fines quel que soit le neurone ; elle montre où cela compte, non ce que
#   cela veut dire.
# - Les activations bornées donnent des ex æquo : dans la première couche de ce réseau, une ReLU6 ramène bien des images
#   au même 6. Le parcours classe les valeurs avant une telle activation ; la ligne du dessous le dit.
# - Un avertissement que la valeur recalculée diffère signifie que les poids ou les images ont changé depuis le parcours.
