# %% [markdown] tags=["en"]
# # What does a network see?
#
# A convolutional network takes a photo and gives one score for each class, a thousand of them for VGG16 or for the
# network below. Nobody wrote the rules that it follows: training found them, spread over millions of weights. How can we
# look at what it has learnt? There are three things to look at:
#
# 1. its **filters**, that is, the weights themselves;
# 2. its **activation maps**, what each layer makes of a picture;
# 3. **pictures chosen or made to excite its neurons**.
#
# This tour is about the first two. Run the cells in order with Shift + Enter, then move whatever can be moved. Each
# question is worth a guess *before* you open its answer.

# %% [markdown] tags=["fr"]
# # Que voit un réseau ?
#
# Un réseau convolutif reçoit une photo et donne un score par classe, soit mille scores pour VGG16 comme pour le réseau
# ci-dessous. Personne n’a écrit les règles qu’il suit : l’entraînement les a trouvées, et elles sont réparties dans des
# millions de poids. Comment observer ce qu’il a appris ? On peut regarder trois choses :
#
# 1. ses **filtres**, c’est-à-dire les poids eux-mêmes ;
# 2. ses **cartes d’activation**, ce que chaque couche fait d’une image ;
# 3. des **images choisies ou fabriquées pour exciter ses neurones**.
#
# Cette visite porte sur les deux premières. Exécutez les cellules dans l’ordre avec Maj + Entrée, puis bougez tout ce qui
# se bouge. Chaque question mérite une prédiction *avant* d’ouvrir la réponse.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %% [markdown] tags=["en"]
# Two networks come with the install and need no connection. EfficientNet-Lite0 sorts photos of 224 × 224 pixels into the
# 1000 classes of ImageNet (Tan and Le, *EfficientNet*, ICML 2019). `cifar_net` is small and classical, nothing but
# convolution, ReLU, max pooling and two linear layers; it sorts pictures of 32 × 32 pixels into the ten classes of
# CIFAR-10 (Krizhevsky, 2009). An *engine* looks into a network without ever changing it.

# %% [markdown] tags=["fr"]
# Deux réseaux sont fournis à l’installation et fonctionnent sans connexion. EfficientNet-Lite0 classe des photos de
# 224 × 224 pixels parmi les 1000 classes d’ImageNet (Tan et Le, *EfficientNet*, ICML 2019). `cifar_net` est petit et
# classique : uniquement des convolutions, des ReLU, du *max pooling* et deux couches linéaires ; il classe des images de
# 32 × 32 pixels parmi les dix classes de CIFAR-10 (Krizhevsky, 2009). Un *moteur* (*engine*) regarde dans un réseau sans
# jamais le modifier.

# %%
imagenet = nnviz.load()
cifar = nnviz.load("cifar_net")
imagenet, cifar

# %% [markdown] tags=["en"]
# ## 1. The filters of the first layer
#
# With weights $w_k$, bias $b_k$, stride $s$ and nonlinearity $\varphi$, filter $k$ gives at position $(u, v)$
#
# $$a_k(u, v) = \varphi\Big(b_k + \sum_c \sum_{i, j} w_k(c, i, j)\; x_c(su + i,\, sv + j)\Big).$$
#
# The sum is largest where the picture resembles the filter: a filter is a small template. In the first layer $c$ runs over
# red, green and blue, so the template is itself a small colour picture, drawn here with grey for a weight of 0.
#
# **Predict.** Nobody told these networks what to look for. What will their first filters look like? Will ten classes of
# tiny pictures and a thousand classes of photos ask for different ones?

# %% [markdown] tags=["fr"]
# ## 1. Les filtres de la première couche
#
# Avec ses poids $w_k$, son biais $b_k$, un pas $s$ et une non-linéarité $\varphi$, le filtre $k$ donne à la position
# $(u, v)$
#
# $$a_k(u, v) = \varphi\Big(b_k + \sum_c \sum_{i, j} w_k(c, i, j)\; x_c(su + i,\, sv + j)\Big).$$
#
# La somme est la plus grande là où l’image ressemble au filtre : un filtre est un petit gabarit. À la première couche, $c$
# parcourt le rouge, le vert et le bleu ; le gabarit est donc lui-même une petite image en couleurs, où le gris représente un
# poids nul.
#
# **Prédisez.** Personne n’a dit à ces réseaux quoi chercher. À quoi ressembleront leurs premiers filtres ? Dix classes de
# vignettes et mille classes de photos demanderont-elles des filtres différents ?

# %%
nnviz.Filters(cifar, imagenet)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# Edges and bars in many directions, corners, and blobs of colour next to the opposite colour. Nearly every network trained
# on photos finds them, whatever its shape and its task (Krizhevsky et al., NIPS 2012, figure 3; Brachmann and Redies,
# *Symmetry* 8(12), 2016). They stand out in the 7 × 7 filters of `cifar_net`; the 3 × 3 filters of the other network hold
# the same kinds, but nine cells are too few to draw them well.
#
# </details>
#
# Click a filter of `cifar_net` to see its weights for red, green and blue. Which filters hardly care about colour?

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Des contours et des barres de toutes orientations, des coins, et des taches de couleur à côté de la couleur opposée. Presque
# tous les réseaux entraînés sur des photos les trouvent, quelles que soient leur structure et leur tâche (Krizhevsky et al.,
# NIPS 2012, figure 3 ; Brachmann et Redies, *Symmetry* 8(12), 2016). Ils sautent aux yeux dans les filtres 7 × 7 de
# `cifar_net` ; les filtres 3 × 3 de l’autre réseau sont de même nature, mais neuf cases ne suffisent pas à bien les dessiner.
#
# </details>
#
# Cliquez sur un filtre de `cifar_net` pour voir ses poids pour le rouge, le vert et le bleu. Quels filtres se soucient à peine
# de la couleur ?

# %% [markdown] tags=["en"]
# ## 2. Why deeper filters say little
#
# A filter of the second layer no longer reads colours: it reads the 32 maps of the layer before it, through one small grid of
# weights for each. It has no colour picture, only 32 grey tiles.
#
# **Predict.** Can you tell from its tiles what filter 0 of `conv2` is looking for? Then try other filters, and `conv5`.

# %% [markdown] tags=["fr"]
# ## 2. Pourquoi les filtres profonds disent peu
#
# Un filtre de la deuxième couche ne lit plus des couleurs : il lit les 32 cartes de la couche précédente, chacune à travers
# sa petite grille de poids. Il n’a plus d’image en couleurs, seulement 32 tuiles grises.
#
# **Prédisez.** Ses tuiles permettent-elles de dire ce que cherche le filtre 0 de `conv2` ? Essayez ensuite d’autres filtres,
# puis `conv5`.

# %%
nnviz.Filters(cifar, layer="conv2")

# %% [markdown] tags=["en"]
# Modern networks split the work, which does not make it easier to read. A *depthwise* filter reads a single map, so it can be
# drawn, but what that map stands for is unknown. A 1 × 1 filter has no shape at all: it is one number a map, a recipe for
# mixing them. Here is a depthwise layer; choose `stage3.1.project.conv` in the list to see the mixing that follows it.

# %% [markdown] tags=["fr"]
# Les réseaux modernes séparent le travail, sans le rendre plus lisible. Un filtre *depthwise* (une convolution par canal) ne
# lit qu’une carte : on peut le dessiner, mais on ignore ce que cette carte représente. Un filtre 1 × 1 n’a aucune forme : c’est
# un nombre par carte, une recette de mélange. Voici une couche depthwise ; choisissez `stage3.1.project.conv` dans la liste
# pour voir le mélange qui la suit.

# %%
nnviz.Filters(imagenet, layer="stage3.1.depthwise.conv")

# %% [markdown] tags=["en"]
# Beyond the first layer, then, weights tell little by themselves: their meaning lies in what they are applied to. So let us
# keep the network, give it a picture, and look at what comes *out* of each layer.

# %% [markdown] tags=["fr"]
# Au-delà de la première couche, les poids disent donc peu de chose par eux-mêmes : leur sens dépend de ce à quoi on les
# applique. Gardons le réseau, donnons-lui une image, et regardons ce qui *sort* de chaque couche.

# %% [markdown] tags=["en"]
# ## 3. Activation maps
#
# The values $a_k(u, v)$ of one filter over the whole picture are its **activation map**, or *channel* $k$ of the layer; each
# value is one *neuron*. We show maps after the nonlinearity, here $\varphi(z) = \min(\max(z, 0), 6)$, so black means
# "nothing found here" and no value exceeds 6. Looking at them live is an idea of Yosinski et al. (*Understanding Neural
# Networks Through Deep Visualization*, 2015).
#
# Early layers first. Click a small map to see it large, and lay it over the photo with the last slider.

# %% [markdown] tags=["fr"]
# ## 3. Les cartes d’activation
#
# Les valeurs $a_k(u, v)$ d’un filtre sur toute l’image forment sa **carte d’activation**, ou *canal* $k$ de la couche ; chaque
# valeur est un *neurone*. Nous montrons les cartes après la non-linéarité, ici $\varphi(z) = \min(\max(z, 0), 6)$ : le noir
# signifie « rien trouvé ici » et aucune valeur ne dépasse 6. L’idée de les observer en direct vient de Yosinski et al.
# (*Understanding Neural Networks Through Deep Visualization*, 2015).
#
# Commençons par le début du réseau. Cliquez sur une petite carte pour la voir en grand, et posez-la sur la photo avec le
# dernier curseur.

# %%
nnviz.ActivationMaps(imagenet, "cat", layer="stem.relu6")

# %% [markdown] tags=["en"]
# These maps are still drawings of the cat: outlines, fur, light and shade. Some are all black, their template being nowhere
# in this photo.
#
# **Predict.** Two thirds of the way up, a layer has 672 maps of only 14 × 14 neurons. Will you still recognise the cat? And
# what will channel 387 have found?

# %% [markdown] tags=["fr"]
# Ces cartes dessinent encore le chat : contours, pelage, ombre et lumière. Quelques-unes sont toutes noires, leur gabarit
# n’étant nulle part dans cette photo.
#
# **Prédisez.** Aux deux tiers du réseau, une couche compte 672 cartes de 14 × 14 neurones seulement. Y reconnaîtrez-vous encore
# le chat ? Et qu’aura trouvé le canal 387 ?

# %%
nnviz.ActivationMaps(imagenet, "cat", layer="stage5.1.expand.relu6", channel=387, overlay=0.6)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# The cat is gone: a map no longer draws, it marks *places*, and most of it is zero. Channel 387 marks the two eyes. Nobody
# asked for an eye detector; it helped with the classes, so training made one. Yosinski et al. saw such neurons follow faces.
#
# </details>
#
# Is it really about eyes? Show it the coffee cup and the astronaut, and write down what else makes it answer. One picture
# suggests a meaning; it takes many to support it. Sort the maps by maximum to meet the other strong channels.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Le chat a disparu : une carte ne dessine plus, elle marque des *endroits*, et presque tout y est nul. Le canal 387 marque les
# deux yeux. Personne n’a demandé un détecteur d’yeux ; il aidait à reconnaître les classes, alors l’entraînement en a
# fabriqué un. Yosinski et al. ont vu de tels neurones suivre les visages.
#
# </details>
#
# S’agit-il vraiment d’yeux ? Montrez-lui la tasse de café et l’astronaute, et notez ce qui le fait réagir. Une seule image
# suggère un sens ; il en faut beaucoup pour l’étayer. Rangez les cartes par maximum pour découvrir les autres canaux forts.

# %% [markdown] tags=["en"]
# ## 4. What one neuron looks at
#
# A neuron does not depend on the whole picture, only on a rectangle of it, its **receptive field**. Kernels of side
# $k_\ell$ with stride $s_\ell$ make its side $r_\ell$ grow layer by layer, where $j_\ell$ is the step in pixels between two
# neighbouring neurons:
#
# $$r_\ell = r_{\ell-1} + (k_\ell - 1)\, j_{\ell-1}, \qquad j_\ell = s_\ell\, j_{\ell-1}, \qquad r_0 = j_0 = 1.$$
#
# **Predict.** Up to `stage3.1.expand.relu6` the convolutions larger than 1 × 1 are, in order: 3 × 3 with stride 2, 3 × 3,
# 3 × 3 with stride 2, 3 × 3, and 5 × 5 with stride 2. How large is the field of a neuron? Click neurons of the large map and
# see it on the photo; the arrow keys move on from there.

# %% [markdown] tags=["fr"]
# ## 4. Ce que regarde un neurone
#
# Un neurone ne dépend pas de toute l’image, mais d’un rectangle de celle-ci : son **champ récepteur**. Des noyaux de côté
# $k_\ell$ et de pas $s_\ell$ font croître son côté $r_\ell$ de couche en couche, où $j_\ell$ est la distance en pixels entre
# deux neurones voisins :
#
# $$r_\ell = r_{\ell-1} + (k_\ell - 1)\, j_{\ell-1}, \qquad j_\ell = s_\ell\, j_{\ell-1}, \qquad r_0 = j_0 = 1.$$
#
# **Prédisez.** Jusqu’à `stage3.1.expand.relu6`, les convolutions plus grandes que 1 × 1 sont, dans l’ordre : 3 × 3 de pas 2,
# 3 × 3, 3 × 3 de pas 2, 3 × 3, puis 5 × 5 de pas 2. Quel est le côté du champ récepteur ? Cliquez sur des neurones de la grande
# carte pour le voir sur la photo ; les flèches du clavier permettent de continuer.

# %%
nnviz.ActivationMaps(imagenet, "cat", layer="stage3.1.expand.relu6", channel=114, unit=(10, 8))

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# $r$: 3, 7, 11, 19, 35 and $j$: 2, 2, 4, 4, 8. So 35 × 35 pixels, about an eye. Near the border the field is cut off by the
# edge of the picture. Choose `stage5.1.expand.relu6`: there, nearly the whole photo can take part, though the middle of the
# field counts most (Luo et al., NeurIPS 2016).
#
# </details>
#
# The small network looks in the same way, at a coarser picture. Is its first guess a cat? Compare what it sees with what
# *you* see before you blame it.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# $r$ : 3, 7, 11, 19, 35 et $j$ : 2, 2, 4, 4, 8. Donc 35 × 35 pixels, à peu près un œil. Près du bord, le champ est coupé par la
# limite de l’image. Choisissez `stage5.1.expand.relu6` : presque toute la photo peut y contribuer, même si le centre du champ
# compte le plus (Luo et al., NeurIPS 2016).
#
# </details>
#
# Le petit réseau regarde de la même façon, mais une image plus grossière. Sa première hypothèse est-elle un chat ? Comparez ce
# qu’il voit avec ce que *vous* voyez avant de le blâmer.

# %%
nnviz.ActivationMaps(cifar, "cat", layer="relu1")

# %% [markdown] tags=["en"]
# ## 5. Your own network
#
# Any `nn.Module` that classifies pictures will do. Say how its pictures were normalised and how large they are; the rest is
# looked up. This one has the shape of the small network of many courses, 16 filters of 7 × 7 × 3 and 20 of 7 × 7 × 16, and it
# has not been trained.
#
# **Predict.** What do the first filters of an untrained network look like beside trained ones?

# %% [markdown] tags=["fr"]
# ## 5. Votre propre réseau
#
# Tout `nn.Module` qui classe des images convient. Dites comment ses images ont été normalisées et quelle est leur taille ; le
# reste se déduit. Celui-ci a la forme du petit réseau de bien des cours, 16 filtres de 7 × 7 × 3 puis 20 de 7 × 7 × 16, et il
# n’a pas été entraîné.
#
# **Prédisez.** À quoi ressemblent les premiers filtres d’un réseau non entraîné, à côté de filtres entraînés ?

# %%
from collections import OrderedDict

import torch
from torch import nn

torch.manual_seed(0)
network = nn.Sequential(
    OrderedDict(
        conv1=nn.Conv2d(3, 16, 7),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(16, 20, 7),
        relu2=nn.ReLU(),
        flatten=nn.Flatten(),
        linear=nn.Linear(20 * 7 * 7, 10),
    )
)

# %%
mine = nnviz.Engine(network, mean=0.5, std=0.5, size=32, name="untrained")
nnviz.Filters(mine, cifar)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# Noise, as it was drawn. Smooth first filters are a sign of training, and of enough of it: filters that stay noisy hint at
# too short a training, too large a learning rate or too little weight decay.
#
# </details>
#
# Put your own network, or your own photo, in place of these: `nnviz.ActivationMaps(mine, "photo.jpg")`.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# À du bruit, tel qu’il a été tiré. Des premiers filtres lisses sont un signe d’entraînement, et d’un entraînement suffisant :
# des filtres qui restent bruités font soupçonner un entraînement trop court, un taux d’apprentissage trop grand ou une
# régularisation trop faible.
#
# </details>
#
# Mettez votre propre réseau, ou votre propre photo, à la place de ceux-ci : `nnviz.ActivationMaps(mine, "photo.jpg")`.
