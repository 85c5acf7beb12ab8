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
# This tour goes through all three, and in between it asks *why* the network gave this answer and no other. Run the cells in
# order with Shift + Enter, then move whatever can be moved. Each question is worth a guess *before* you open its answer.

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
# Cette visite passe par les trois et se demande, entre-temps, *pourquoi* le réseau a donné cette réponse plutôt qu’une
# autre. Exécutez les cellules dans l’ordre avec Maj + Entrée, puis bougez tout ce qui se bouge. Chaque
# question mérite une prédiction *avant* d’ouvrir la réponse.

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
# ## 5. Patches that excite a channel
#
# One photo suggests what a channel is for; only many can support it. So send many pictures $x^{(n)}$ through the network,
# and for channel $k$ keep those with the largest activation
#
# $$A_k(n) = \max_{u, v}\; a_k^{(n)}(u, v).$$
#
# Cut each to the receptive field of the neuron that gave it: these are the patches that channel $k$ likes best (Zeiler and
# Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014). A deep field is nearly the whole picture; there
# we cut the smallest box that holds 95 % of the gradient. Below each patch stands what in it excites the neuron, by guided
# backpropagation, which section 10 explains.
#
# A folder of a few thousand photos would be best, and `nnviz.TopPatches(imagenet, "folder")` scans yours. Here are 147
# overlapping pieces of the four sample photos, and a block two thirds of the way up. **Predict.** Will the nine best
# patches of its channel 7 show nine different things?

# %% [markdown] tags=["fr"]
# ## 5. Les fragments qui excitent un canal
#
# Une seule photo suggère à quoi sert un canal ; il en faut beaucoup pour l’étayer. Propageons donc de nombreuses images
# $x^{(n)}$ et, pour le canal $k$, retenons celles dont l’activation maximale est la plus grande :
#
# $$A_k(n) = \max_{u, v}\; a_k^{(n)}(u, v).$$
#
# Découpons chacune selon le champ récepteur du neurone gagnant : ce sont les fragments que le canal $k$ préfère (Zeiler et
# Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014). En profondeur, ce champ couvre presque toute
# l’image ; on y découpe le plus petit cadre qui contient 95 % du gradient. Sous chaque fragment, ce qui excite le neurone,
# par rétropropagation guidée, que la section 10 explique.
#
# L’idéal serait un dossier de quelques milliers de photos, et `nnviz.TopPatches(imagenet, "folder")` parcourt le vôtre.
# Voici 147 morceaux des quatre photos d’exemple, qui se recouvrent, et un bloc situé aux deux tiers du réseau.
# **Prédisez.** Les neuf meilleurs fragments de son canal 7 montreront-ils neuf choses différentes ?

# %%
nnviz.TopPatches(imagenet, layer="stage5.1", channel=7)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# One thing: an eye of the cat, always the same one, out of nine pieces that overlap. Where it stands in the piece does not
# matter, because a filter runs over every position. The reconstruction says more: what counts is the dark line of the upper
# lid above the pupil. Whether the channel wants eyes or any such line, four photos cannot tell.
#
# </details>
#
# Before you name a channel, choose "random" pictures too: the name should fit the largest and not those.
#
# Now the best patch of every channel, in an early block and then in the one above. **Predict.** From which of the two
# sheets could you tell what was in the photos?

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Une seule : un œil du chat, toujours le même, tiré de neuf morceaux qui se recouvrent. Sa place dans le morceau n’importe
# pas, puisqu’un filtre parcourt toutes les positions. La reconstruction en dit plus : ce qui compte, c’est la ligne sombre
# de la paupière au-dessus de la pupille. Le canal cherche-t-il des yeux, ou n’importe quelle ligne de ce genre ? Quatre
# photos ne permettent pas de le dire.
#
# </details>
#
# Avant de nommer un canal, choisissez aussi des images « au hasard » : le nom doit convenir aux plus grandes, et pas à
# celles-là.
#
# Voici maintenant le meilleur fragment de chaque canal, dans un bloc précoce puis dans celui de tout à l’heure.
# **Prédisez.** Laquelle des deux planches permettrait de dire ce que montraient les photos ?

# %%
nnviz.TopPatches(imagenet, layer="stage2.1", page="all")

# %%
nnviz.TopPatches(imagenet, layer="stage5.1", page="all")

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# The second. The early block has edges, bars, spots of light and plain colours, which could come from anywhere. The later
# one has things with a name: the star around a lamp, the rim of a cup, a helmet's ring, a badge, an eye, a face. Zeiler and
# Fergus saw it over five layers: the deeper a neuron, the more complex what it detects.
#
# </details>

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# La seconde. Le bloc précoce a des contours, des barres, des points de lumière et des couleurs unies, qui pourraient venir
# de n’importe où. L’autre a des choses qui portent un nom : l’étoile autour d’un projecteur, le bord d’une tasse, l’anneau
# d’un casque, un écusson, un œil, un visage. Zeiler et Fergus l’ont vu sur cinq couches : plus un neurone est profond, plus
# ce qu’il détecte est complexe.
#
# </details>

# %% [markdown] tags=["en"]
# ## 6. The penultimate layer: neighbours
#
# Just before the classes, a network has turned the whole picture $x$ into one vector $h(x)$: 4096 numbers in AlexNet, 1280
# here. The scores are nothing but $S_c = w_c \cdot h(x) + b_c$, so whatever sets classes apart has to be in it. A picture is
# a point in a space of 1280 dimensions; take the Euclidean distance there,
#
# $$d(x, y) = \lVert h(x) - h(y) \rVert,$$
#
# and ask for the nearest pictures (Krizhevsky, Sutskever and Hinton, NIPS 2012, figure 4). They did it with ImageNet; we
# have the pieces of the four photos, and the network has never been told which photo a piece is from.
#
# **Predict.** Will the neighbours be of the same photo? And will they be alike pixel by pixel?

# %% [markdown] tags=["fr"]
# ## 6. L’avant-dernière couche : les voisines
#
# Juste avant les classes, le réseau a fait de l’image $x$ tout entière un seul vecteur $h(x)$ : 4096 nombres dans AlexNet,
# 1280 ici. Les scores ne sont que $S_c = w_c \cdot h(x) + b_c$ : tout ce qui distingue les classes s’y trouve forcément. Une
# image est un point dans un espace à 1280 dimensions ; prenons-y la distance euclidienne,
#
# $$d(x, y) = \lVert h(x) - h(y) \rVert,$$
#
# et cherchons les images les plus proches (Krizhevsky, Sutskever et Hinton, NIPS 2012, figure 4). Eux l’ont fait avec
# ImageNet ; nous avons les morceaux des quatre photos, et personne n’a dit au réseau de quelle photo vient un morceau.
#
# **Prédisez.** Les voisines viendront-elles de la même photo ? Et se ressembleront-elles pixel par pixel ?

# %%
from nnviz_widgets import methods

pieces = methods.embed(imagenet, nnviz.ImageSet("samples"))
nnviz.Neighbours(imagenet, pieces, seed=1)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# All 30 are, and so are 99.8 % of the six nearest over all pieces. But they are not alike pixel by pixel: the spoon, the eye
# and the tower move from one end of the picture to the other. Distances between the pixels themselves, of pieces shrunk to
# 32 × 32, would find the same photo in 76 % of the cases. Nobody told the network about photos; it has learnt to give like
# contents like vectors.
#
# </details>
#
# Euclidean distance also sees how long a vector is. Choose the cosine, which sees the angle alone, and give the widget a
# picture of your own: what does the network find nearest to your face?

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Toutes les 30, et 99,8 % des six plus proches sur l’ensemble des morceaux. Elles ne se ressemblent pourtant pas pixel par
# pixel : la cuillère, l’œil et la tour passent d’un bout à l’autre de l’image. Des distances entre les pixels eux-mêmes, sur
# des morceaux réduits à 32 × 32, ne trouveraient la même photo que dans 76 % des cas. Personne n’a parlé de photos au
# réseau ; il a appris à donner des vecteurs semblables à des contenus semblables.
#
# </details>
#
# La distance euclidienne voit aussi la longueur d’un vecteur. Choisissez le cosinus, qui ne voit que l’angle, et donnez au
# widget une image à vous : de quoi le réseau trouve-t-il votre visage le plus proche ?

# %% [markdown] tags=["en"]
# ## 7. Maps of that space
#
# Can the whole space be seen at once? A map gives each picture $i$ a point $y_i$ of the plane, so that near pictures stay
# near. t-SNE (van der Maaten and Hinton, JMLR 2008) says "near" with probabilities, $p_{ij}$ in the space, by a Gaussian, and
# $q_{ij}$ on the map, by a curve with heavier tails, and moves the points until the two agree:
#
# $$q_{ij} = \frac{\big(1 + \lVert y_i - y_j \rVert^2\big)^{-1}}{\sum_{k \neq l} \big(1 + \lVert y_k - y_l \rVert^2\big)^{-1}}, \qquad \min_y\; \sum_{i \neq j} p_{ij} \log \frac{p_{ij}}{q_{ij}}.$$
#
# Its best known map is of handwritten digits. Train a small network on those of scikit-learn, 1797 pictures of 8 × 8 pixels,
# with a fifth held out. **Predict.** How many of the held-out digits will it get right after five looks at each picture?

# %% [markdown] tags=["fr"]
# ## 7. Des cartes de cet espace
#
# Peut-on voir l’espace tout entier ? Une carte donne à chaque image $i$ un point $y_i$ du plan, de sorte que les images
# proches le restent. t-SNE (van der Maaten et Hinton, JMLR 2008) exprime « proche » par des probabilités, $p_{ij}$ dans
# l’espace, par une gaussienne, et $q_{ij}$ sur la carte, par une courbe aux queues plus lourdes, puis déplace les points
# jusqu’à ce qu’elles concordent :
#
# $$q_{ij} = \frac{\big(1 + \lVert y_i - y_j \rVert^2\big)^{-1}}{\sum_{k \neq l} \big(1 + \lVert y_k - y_l \rVert^2\big)^{-1}}, \qquad \min_y\; \sum_{i \neq j} p_{ij} \log \frac{p_{ij}}{q_{ij}}.$$
#
# Sa carte la plus connue est celle de chiffres manuscrits. Entraînons un petit réseau sur ceux de scikit-learn, 1797 images
# de 8 × 8 pixels, dont un cinquième est mis de côté. **Prédisez.** Combien des chiffres mis de côté reconnaîtra-t-il après
# avoir vu cinq fois chaque image ?

# %%
from collections import OrderedDict

import torch
from torch import nn

torch.manual_seed(0)
reader = nn.Sequential(
    OrderedDict(
        conv1=nn.Conv2d(1, 16, 5, padding=2),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(16, 32, 3, padding=1),
        relu2=nn.ReLU(),
        flatten=nn.Flatten(),
        linear1=nn.Linear(512, 64),
        relu3=nn.ReLU(),
        linear2=nn.Linear(64, 10),
    )
)
digits = nnviz.ImageSet("digits")
training = nnviz.Training(reader, digits, mean=0.5, std=0.5, size=8, epochs=5)
training

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# 96 or 97 %, in a few seconds: these are the dots beside the line of the pictures that it learns from. Look at its surest
# mistake too: a 0 that it takes for a 4, without a doubt.
#
# </details>
#
# Restart it, and move the learning rate while it runs. Its penultimate layer has 64 neurons, hence a space of 64
# dimensions. **Predict.** On its map, which digits will lie apart, and which will touch?

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# 96 ou 97 %, en quelques secondes : ce sont les points, à côté de la ligne des images dont il apprend. Regardez aussi son
# erreur la plus nette : un 0 qu’il prend pour un 4, sans le moindre doute.
#
# </details>
#
# Relancez l’entraînement, et bougez le taux d’apprentissage en cours de route. L’avant-dernière couche a 64 neurones, d’où un
# espace à 64 dimensions. **Prédisez.** Sur sa carte, quels chiffres seront à l’écart, et lesquels se toucheront ?

# %%
training.compute()  # to the end, whatever the pace of this machine
learnt = methods.embed(training.engine, digits)
nnviz.EmbeddingMap(training.engine, learnt, kind="tsne")

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# Ten islands, one a digit, although the map was never told the classes: it only colours them. Look-alikes stray, a 5 among
# the 9s or an 8 among the 1s, and the 0 of the surest mistake lies amid the 4s.
#
# But is it the training? Of the six nearest vectors, about 99 % are of the same digit, while 97.7 % are if the pixels themselves
# are compared, and 93.3 % in the network before it learnt anything. Fine islands do not prove that something was learnt.
#
# </details>
#
# UMAP (McInnes, Healy and Melville, 2018) has the same aim: it weighs a graph of neighbours, and keeps more of the large
# shape. Here is one of the pieces of photos in the space of section 6, pulled onto a grid so that every picture is seen, as
# in Karpathy's maps of ImageNet (2014).
#
# **Predict.** How many groups will there be? And what will the order be *within* one?

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Dix îles, une par chiffre, alors que la carte n’a jamais connu les classes : elle ne fait que les colorier. Des sosies
# s’égarent, un 5 parmi les 9 ou un 8 parmi les 1, et le 0 de l’erreur la plus nette se trouve au milieu des 4.
#
# Mais est-ce l’entraînement ? Parmi les six plus proches vecteurs, environ 99 % sont du même chiffre ; il y en a 97,7 % si l’on
# compare les pixels eux-mêmes, et 93,3 % dans le réseau avant qu’il ait rien appris. De belles îles ne prouvent pas que
# quelque chose a été appris.
#
# </details>
#
# UMAP (McInnes, Healy et Melville, 2018) a le même but : elle pondère un graphe de voisines, et garde mieux la forme
# d’ensemble. En voici une des morceaux de photos, dans l’espace de la section 6, tirée sur une grille pour que chaque image
# soit visible, comme dans les cartes d’ImageNet de Karpathy (2014).
#
# **Prédisez.** Combien y aura-t-il de groupes ? Et dans quel ordre seront rangées les images *d’un même* groupe ?

# %%
nnviz.EmbeddingMap(imagenet, pieces, kind="umap", filled=True)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# Four, one a photo. Within a group, pieces that overlap lie side by side: from bare sky to the rocket and down to the lamps
# at its foot, from the wood over the saucer to the coffee. Switch the grid off, and four small islands are left. The gaps between
# them mean little: both methods take care of near pictures, not of far ones.
#
# </details>

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Quatre, un par photo. Dans un groupe, les morceaux qui se recouvrent sont côte à côte : du ciel nu à la fusée, puis aux
# projecteurs à son pied ; du bois à la soucoupe, puis au café. Désactivez la grille : il reste quatre petites îles. Les vides
# entre elles ne veulent pas dire grand-chose : les deux méthodes soignent le voisinage, pas les lointains.
#
# </details>

# %% [markdown] tags=["en"]
# ## 8. Why "espresso"? Hide a part and ask again
#
# We know what the network sees; but *what in this photo made it decide*? One way to find out needs no look inside.
# Cover a part of the photo with a grey square, run the network again, and compare (Zeiler and Fergus, *Visualizing and
# Understanding Convolutional Networks*, ECCV 2014). Where the probability of the class falls, the square hides
# something that counted.
#
# This photo is an "espresso" with probability 0.86. **Predict.** What will cost it most: hiding the coffee, the rim of
# the cup, the saucer, the spoon or the table? And can a square of 64 × 64 pixels make the network change its mind? Drag
# the square over the photo and watch the bars; the maps hold the answer for every position of the square.

# %% [markdown] tags=["fr"]
# ## 8. Pourquoi « expresso » ? Cacher une partie, et reposer la question
#
# Nous savons ce que le réseau voit ; mais *qu’est-ce qui, dans cette photo, l’a décidé* ? On peut le découvrir sans
# regarder à l’intérieur : couvrons une partie de la photo d’un carré gris, repassons-la dans le réseau, et comparons
# (Zeiler et Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014). Là où la probabilité de la
# classe chute, le carré cache quelque chose qui comptait.
#
# Cette photo est un « expresso » avec une probabilité de 0,86. **Prédisez.** Que faut-il cacher pour lui nuire le
# plus : le café, le bord de la tasse, la soucoupe, la cuillère ou la table ? Un carré de 64 × 64 pixels peut-il faire
# changer le réseau d’avis ? Faites glisser le carré sur la photo en suivant les barres ; les cartes donnent la réponse
# pour chaque position du carré.

# %%
nnviz.Occlusion(imagenet, "coffee", layer="", size=64, stride=16)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# The cup with the coffee in it: a square there brings 0.86 down to 0.35, while one on the lower half of the photo,
# saucer and spoon included, changes little. Yet "espresso" comes first at every position. It takes a square of 96 × 96
# pixels to hide enough of the cup: then "cup" wins at 15 of 81 positions.
#
# </details>
#
# Now the cat. For the network it is an Egyptian cat (0.33), a tabby (0.31) or a tiger cat (0.22). **Predict.** We cover
# the whole face with a square of 160 × 160 pixels, half of the photo. What will the network say?

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# La tasse avec le café qu’elle contient : un carré posé là fait passer 0,86 à 0,35, tandis que dans la moitié
# inférieure de la photo, soucoupe et cuillère comprises, il ne change pas grand-chose. « Expresso » reste pourtant en
# tête à toutes les positions. Il faut un carré de 96 × 96 pixels pour cacher assez de la tasse : « tasse » l’emporte
# alors à 15 positions sur 81.
#
# </details>
#
# Passons au chat. Pour le réseau, c’est un « chat égyptien » (0,33), un « chat tigré » (0,31) ou un
# « chat rayé » (0,22). **Prédisez.** Couvrons tout le visage d’un carré de 160 × 160 pixels, la moitié de la photo. Que dira le
# réseau ?

# %%
nnviz.Occlusion(imagenet, "cat", layer="", size=160, stride=16, square=(32, 32))

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# "Egyptian cat", and with more conviction: 0.63 when the square is in the middle. All kinds of cats together go from
# 0.90 to 0.99. Ears and striped fur at the edges are enough, and a cat wins at all 25 positions.
#
# </details>
#
# So read such maps in one direction only. Where the value falls, the hidden part counted; where it does not, the part
# may count all the same, because the rest says it too. And the square itself is something to see: choose white for its
# fill, and with the square in the middle the network sees a "window screen".

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# « Chat égyptien », avec plus de conviction encore : 0,63 quand le carré est au milieu. Tous les chats réunis passent de
# 0,90 à 0,99. Les oreilles et le pelage rayé des bords suffisent, et un chat l’emporte aux 25 positions.
#
# </details>
#
# De telles cartes ne se lisent donc que dans un sens. Là où la valeur chute, la partie cachée comptait ; là où elle ne
# chute pas, la partie peut compter malgré tout, parce que le reste dit la même chose. Et le carré est lui-même quelque
# chose à voir : remplissez-le de blanc, et le réseau voit, quand il est au milieu, une « moustiquaire de
# fenêtre ».

# %% [markdown] tags=["en"]
# One map of the paper is not about the class. Take a layer, and in it the channel that answers most to the whole photo;
# add up its activations for every position of the square. This shows what *that channel* looks at (their figure 7,
# (b)).
#
# The thousand classes hold hardly any for people: this photo's best guess is "ping-pong ball", with 0.03. **Predict.**
# A layer near the end, `stage6.3.expand.relu6`: what does its strongest channel answer to in this photo? Is it what
# speaks for "ping-pong ball"?

# %% [markdown] tags=["fr"]
# Une carte de l’article ne parle pas de la classe. Prenons une couche et, dans cette couche, le canal qui répond le
# plus à la photo entière ; additionnons ses activations pour chaque position du carré. On voit ainsi ce que *ce canal*
# regarde (leur figure 7, (b)).
#
# Parmi les mille classes, presque aucune ne désigne des personnes : la meilleure hypothèse pour cette photo est
# « balle de ping-pong » (0,03). **Prédisez.** Près de la fin du réseau, dans la couche `stage6.3.expand.relu6` : à quoi
# répond, dans cette photo, le canal le plus fort ? Est-ce ce qui plaide pour « balle de ping-pong » ?

# %%
nnviz.Occlusion(imagenet, "astronaut", layer="stage6.3.expand.relu6", size=64, stride=16)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# Channel 970 answers to the woman: its total falls by 40 % when her head is hidden, and hardly minds when the helmet
# is. "Ping-pong ball" falls in both cases. We fed the network 200 other photos, each of another class: of the twelve
# that excite this channel most, eleven show people, although no class asked for them. The paper saw the same: in a
# photo of a dog, the strongest channel followed the faces around it, while the class depended on the dog.
#
# </details>

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Le canal 970 répond à la femme : son total baisse de 40 % quand on cache sa tête, et presque pas quand on cache le
# casque. « Balle de ping-pong » chute dans les deux cas. Nous avons montré au réseau 200 autres photos, chacune d’une
# classe différente : sur les douze qui excitent le plus ce canal, onze montrent des personnes, alors qu’aucune classe
# ne le demandait. L’article a observé la même chose : dans la photo d’un chien, le canal le plus fort suivait les
# visages alentour, tandis que la classe dépendait du chien.
#
# </details>

# %% [markdown] tags=["en"]
# ## 9. Backpropagate to the photo
#
# For a map of 121 positions, the network is asked 121 times. A single backward pass answers for all pixels at once
# (Simonyan, Vedaldi and Zisserman, *Deep Inside Convolutional Networks*, ICLR workshop 2014):
#
# 1. propagate the photo to the scores $S_c$ of the classes, before the softmax;
# 2. at the output, put 1 on the class that is asked about and 0 on all others;
# 3. backpropagate, beyond the first layer, to the photo: one gradient for each value of each pixel;
# 4. make a picture of it, with the largest of the three absolute values at each pixel.
#
# $$M(u, v) = \max_{k}\, \left|\frac{\partial S_c}{\partial x_k(u, v)}\right|$$
#
# In PyTorch, steps 1 to 3 are a few lines.

# %% [markdown] tags=["fr"]
# ## 9. Rétropropager jusqu’à la photo
#
# Pour une carte de 121 positions, on interroge le réseau 121 fois. Une seule passe arrière répond pour tous les pixels
# à la fois (Simonyan, Vedaldi et Zisserman, *Deep Inside Convolutional Networks*, atelier d’ICLR 2014) :
#
# 1. propager la photo jusqu’aux scores $S_c$ des classes, avant le softmax ;
# 2. à la sortie, mettre 1 à la classe qui nous intéresse et 0 à toutes les autres ;
# 3. rétropropager, au-delà de la première couche, jusqu’à la photo : un gradient par valeur de chaque pixel ;
# 4. en faire une image, avec la plus grande des trois valeurs absolues en chaque pixel.
#
# $$M(u, v) = \max_{k}\, \left|\frac{\partial S_c}{\partial x_k(u, v)}\right|$$
#
# En PyTorch, les étapes 1 à 3 tiennent en quelques lignes.


# %%
def my_saliency(module, x, target):
    x.requires_grad_()
    scores = module(x)
    one_hot = torch.zeros_like(scores)
    one_hot[0, target] = 1
    scores.backward(gradient=one_hot)
    return x.grad


# %% [markdown] tags=["en"]
# **Predict.** Will the picture of "espresso" be a filled cup, its outline, or scattered dots? And will these lines give
# the same numbers as the method in the package? The widget runs your function on a copy of the network, beside its own,
# and says where they differ most.

# %% [markdown] tags=["fr"]
# **Prédisez.** L’image d’« expresso » sera-t-elle une tasse pleine, son contour, ou des points épars ? Et ces lignes
# donneront-elles les mêmes nombres que la méthode du paquet ? Le widget exécute votre fonction sur une copie du réseau,
# à côté de la sienne, et dit où elles diffèrent le plus.

# %%
nnviz.Saliency(imagenet, "coffee", rules=("vanilla",), method=my_saliency)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# Scattered dots, densest on the coffee. A gradient says how the score would move if *one pixel* changed a little, which
# is not the same as how much the score owes to that pixel. Noisy or not, your lines give the same numbers, up to
# rounding.
#
# </details>
#
# Then spoil the function on purpose and run both cells again: 2 in place of 1, ones everywhere, or
# `torch.softmax(scores, 1)` in place of the scores. What does each mistake ask the network?

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Des points épars, plus denses sur le café. Un gradient dit comment le score bougerait si *un seul pixel* changeait un
# peu, ce qui n’est pas la même chose que la part du score due à ce pixel. Bruitées ou non, vos lignes donnent les mêmes
# nombres, aux arrondis près.
#
# </details>
#
# Abîmez ensuite la fonction et relancez les deux cellules : 2 au lieu de 1, des 1 partout, ou
# `torch.softmax(scores, 1)` au lieu des scores. Que demande chaque erreur au réseau ?

# %% [markdown] tags=["en"]
# Nothing obliges us to start at the output. Stop at any layer, put 1 on one neuron and 0 on all others, and
# backpropagate from there: this shows what in the photo moves *that neuron*. Channel 387, which we met above, seemed to
# mark the eyes.
#
# **Predict.** Where will the gradient of its neuron on the right eye lie, given that its receptive field covers nearly
# the whole photo?

# %% [markdown] tags=["fr"]
# Rien n’oblige à partir de la sortie. Arrêtons-nous à une couche, mettons 1 sur un neurone et 0 sur tous les autres, et
# rétropropageons à partir de là : on voit ce qui, dans la photo, fait bouger *ce neurone*. Le canal 387, rencontré plus
# haut, semblait marquer les yeux.
#
# **Prédisez.** Où se trouvera le gradient de son neurone placé sur l’œil droit, sachant que son champ récepteur couvre
# presque toute la photo ?

# %%
nnviz.Saliency(imagenet, "cat", of="neuron", layer="stage5.1.expand.relu6", channel=387, rules=("vanilla",))

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# On the eye: 71 % of it falls into 64 × 64 pixels around the neuron, 8 % of the photo. So the middle of a receptive
# field counts most, as promised.
#
# </details>
#
# Now click the left eye on the activation map, where it is brightest. Those neurons stand at 6, the ceiling of this
# nonlinearity, and those on black ground at 0, its floor. No small change of the photo moves them: the gradient is 0
# everywhere, and the widget says so instead of showing a black picture.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Sur l’œil : 71 % du gradient tombent dans 64 × 64 pixels autour du neurone, soit 8 % de la photo. C’est donc bien le
# centre du champ récepteur qui compte le plus.
#
# </details>
#
# Cliquez maintenant sur l’œil gauche dans la carte d’activation, là où elle est la plus claire. Ces neurones sont à 6,
# le plafond de cette non-linéarité, et ceux du fond noir à 0, son plancher. Aucun petit changement de la photo ne les
# fait bouger : le gradient est nul partout, et le widget le dit au lieu de montrer une image noire.

# %% [markdown] tags=["en"]
# ## 10. Three ways back through a ReLU
#
# On its way back, the gradient meets every ReLU. Let $a$ be what entered it, $g$ the gradient that arrives from above,
# and $[\cdot]$ be 1 where a condition holds and 0 elsewhere. Three papers pass on three different things:
#
# | | passed on | paper |
# |---|---|---|
# | vanilla | $g \cdot [a > 0]$ | Simonyan et al., ICLR workshop 2014 |
# | deconvnet | $g \cdot [g > 0]$ | Zeiler and Fergus, ECCV 2014 |
# | guided | $g \cdot [a > 0] \cdot [g > 0]$ | Springenberg et al., *Striving for Simplicity*, ICLR workshop 2015 |
#
# Only the first is the gradient. The deconvnet keeps what speaks *for* the class and forgets where the ReLU was closed;
# guided backpropagation does both.
#
# The small network is of the classical kind for which they were made. It takes the cat for a "frog" (0.46).
# **Predict.** Which of the three pictures will be the clearest? And when you ask about "truck", which of them will
# change?

# %% [markdown] tags=["fr"]
# ## 10. Trois façons de repasser une ReLU
#
# Au retour, le gradient rencontre chaque ReLU. Soit $a$ ce qui y est entré, $g$ le gradient qui arrive d’en haut, et
# $[\cdot]$ valant 1 là où une condition est vraie et 0 ailleurs. Trois articles laissent passer trois choses
# différentes :
#
# | | ce qui passe | article |
# |---|---|---|
# | vanilla | $g \cdot [a > 0]$ | Simonyan et al., atelier d’ICLR 2014 |
# | deconvnet | $g \cdot [g > 0]$ | Zeiler et Fergus, ECCV 2014 |
# | guided | $g \cdot [a > 0] \cdot [g > 0]$ | Springenberg et al., *Striving for Simplicity*, atelier d’ICLR 2015 |
#
# Seule la première façon donne le gradient. Le *deconvnet* garde ce qui plaide *pour* la classe et oublie où la ReLU
# était fermée ; la rétropropagation guidée tient compte des deux.
#
# Le petit réseau est de la famille classique pour laquelle ces règles ont été conçues. Il prend le chat pour une
# « grenouille » (0,46). **Prédisez.** Laquelle des trois images sera la plus nette ? Et quand vous demanderez
# « camion », lesquelles changeront ?

# %%
nnviz.Saliency(cifar, "cat", target="frog")

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# Guided backpropagation: eyes and nose on a dark ground, where the gradient itself is scattered. This is why it became
# the most used of the three. But ask about "truck", and it draws the same eyes and the same nose: between the two
# classes, the rank correlation of its maps is 0.93, against 0.48 for the deconvnet and 0.29 for the gradient.
#
# </details>
#
# A picture that does not depend on the question cannot be its answer. Adebayo et al. (*Sanity Checks for Saliency
# Maps*, NeurIPS 2018) proposed a stronger test: destroy what was learnt. Draw the weights of the last layer anew, at
# random; then of the last two, and so on. A map that explains the decision has to change.
#
# **Predict.** With six layers of seven drawn anew, all that is left of the training are the filters of the first layer.
# What will be left of each map? Move the slider from 0 up.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Celle de la rétropropagation guidée : les yeux et le nez sur fond noir, là où le gradient lui-même s’éparpille. C’est
# ce qui en a fait la plus utilisée des trois. Mais demandez « camion », et elle dessine les mêmes yeux et le même nez :
# d’une classe à l’autre, la corrélation de rang de ses cartes est de 0,93, contre 0,48 pour le *deconvnet* et 0,29 pour
# le gradient.
#
# </details>
#
# Une image qui ne dépend pas de la question ne peut pas en être la réponse. Adebayo et al. (*Sanity Checks for Saliency
# Maps*, NeurIPS 2018) ont proposé un test plus sévère : détruire ce qui a été appris. Tirons au hasard de nouveaux
# poids pour la dernière couche, puis pour les deux dernières, et ainsi de suite. Une carte qui explique la décision
# doit changer.
#
# **Prédisez.** Quand six couches sur sept sont tirées au hasard, il ne reste de l’entraînement que les filtres de la
# première. Que restera-t-il de chaque carte ? Déplacez le curseur à partir de 0.

# %%
nnviz.Saliency(cifar, "cat", target="frog", randomised=6)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# The gradient is another one from the first step on: its rank correlation with the trained network falls to 0.37, then
# to 0.16. The guided map keeps eyes and nose to the end (0.97, then 0.75). It comes close to redrawing the photo,
# whatever is asked, and so does the deconvnet (Nie, Zhang and Patel, ICML 2018).
#
# </details>
#
# Clear is not the same as true: a guided picture shows what the first layers can see, not why the network decided. Put
# `imagenet` and "espresso" in the place of `cifar` and "frog" to see what a modern network makes of the three rules.
# Its deconvnet draws little more than the grid of its own strides.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Le gradient devient un autre dès le premier pas : sa corrélation de rang avec le réseau entraîné tombe à 0,37, puis à
# 0,16. La carte guidée garde les yeux et le nez jusqu’au bout (0,97, puis 0,75). Elle revient presque à redessiner la
# photo, quelle que soit la question, et celle du *deconvnet* aussi (Nie, Zhang et Patel, ICML 2018).
#
# </details>
#
# Net ne veut pas dire juste : une image guidée montre ce que les premières couches savent voir, non pourquoi le réseau
# a décidé. Mettez `imagenet` et « expresso » à la place de `cifar` et « grenouille » pour voir ce qu’un réseau moderne fait
# des trois règles. Son *deconvnet* ne dessine guère que la grille de ses propres pas.

# %% [markdown] tags=["en"]
# ## 11. Grad-CAM: stop the gradient at a late layer
#
# Near the end of the network stand maps that know a lot about classes and still have places. Grad-CAM (Selvaraju et
# al., ICCV 2017) goes back no further than there. Of map $a_k$, with $h \times w$ neurons, it asks how much it counts
# for class $c$, on average; then it adds up the maps with these weights, and keeps what is positive:
#
# $$\alpha_k = \frac{1}{h w} \sum_{u, v} \frac{\partial S_c}{\partial a_k(u, v)}, \qquad L_c(u, v) = \max\Big(0,\; \sum_k \alpha_k\, a_k(u, v)\Big).$$
#
# The map is small, 7 × 7 here, and is spread over the photo to be looked at.
#
# **Predict.** The rocket is a "missile" for the network (0.27). "Crane" comes tenth, with less than 0.01: there is
# none. Where will its map be, if anywhere?

# %% [markdown] tags=["fr"]
# ## 11. Grad-CAM : arrêter le gradient à une couche tardive
#
# Près de la fin du réseau, les cartes en savent long sur les classes et ont encore des endroits. Grad-CAM (Selvaraju et
# al., ICCV 2017) ne remonte pas plus loin. Pour la carte $a_k$, de $h \times w$ neurones, la méthode demande combien
# elle compte, en moyenne, pour la classe $c$ ; elle additionne ensuite les cartes avec ces poids, et garde ce qui est
# positif :
#
# $$\alpha_k = \frac{1}{h w} \sum_{u, v} \frac{\partial S_c}{\partial a_k(u, v)}, \qquad L_c(u, v) = \max\Big(0,\; \sum_k \alpha_k\, a_k(u, v)\Big).$$
#
# La carte est petite, 7 × 7 ici, et on l’étale sur la photo pour la regarder.
#
# **Prédisez.** Pour le réseau, la fusée est un « missile » (0,27). « Grue (engin) » vient en dixième, avec moins de
# 0,01 : il n’y en a pas. Où sera sa carte, s’il y en a une ?

# %%
nnviz.GradCam(imagenet, "rocket", target="missile", second="crane")

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# Faintly, on the lattice towers and at their feet, while "missile" is strong around the upper half of the rocket.
# Grad-CAM does not say whether a class is there; it says where something speaks for it. Both maps share one scale, in
# units of the score, so that they can be compared: the maximum is 0.53 for "missile" and 0.19 for "crane".
#
# </details>
#
# It goes further: "space shuttle" is 294th of 1000 classes for the astronaut (0.0006). Ask for it, and see where the
# map is. Which other classes can you find in these photos?
#
# Can one have both, sharp lines and the right place? **Guided Grad-CAM** multiplies the guided picture, which is sharp
# but does not know the class, by the Grad-CAM map, which knows the class but is coarse.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Faiblement, sur les tours en treillis et à leur pied, tandis que « missile » est fort autour de la moitié supérieure
# de la fusée. Grad-CAM ne dit pas si une classe est là, mais où quelque chose plaide pour elle. Les deux cartes ont la
# même échelle, en unités du score, et peuvent donc être comparées : le maximum est de 0,53 pour « missile » et de 0,19
# pour « grue (engin) ».
#
# </details>
#
# Cela va plus loin : « navette spatiale » est 294e sur 1000 classes pour l’astronaute (0,0006).
# Demandez-la, et voyez où est la carte. Quelles autres classes trouvez-vous dans ces photos ?
#
# Peut-on avoir les deux, des traits nets et le bon endroit ? **Grad-CAM guidée** multiplie l’image guidée, nette mais
# qui ignore la classe, par la carte de Grad-CAM, qui connaît la classe mais reste grossière.

# %%
nnviz.GradCam(imagenet, "rocket", target="crane", guided=True)

# %% [markdown] tags=["en"]
# Read its place, not its lines. In the tests of Adebayo et al., the gradient and Grad-CAM passed; guided
# backpropagation and guided Grad-CAM did not, because the fine drawing comes from the factor that does not know the
# class. Ask for "missile", then for "pier": it is the same drawing, seen through another window.

# %% [markdown] tags=["fr"]
# Lisez-y l’endroit, pas les traits. Dans les tests d’Adebayo et al., le gradient et Grad-CAM ont passé ; la
# rétropropagation guidée et Grad-CAM guidée ont échoué, parce que le dessin fin vient du facteur qui ignore la classe.
# Demandez « missile », puis « jetée » : c’est le même dessin, vu par une autre fenêtre.

# %% [markdown] tags=["en"]
# ## 12. Fabricate a picture
#
# Until now there was a photo, and we asked about it. Turn it round: *which picture would excite this neuron most?* Start
# from an empty picture, $x = 0$. Propagate it to the neuron, at the output or in between, put 1 there and 0 on all
# others, and backpropagate to the picture. This is the gradient of saliency; now we *add* it, again and again. The weights
# are frozen, only the picture changes. Simonyan, Vedaldi and Zisserman (2014) also keep the pixels small:
#
# $$x^* = \arg\max_x\; f(x) - \lambda\, \lVert x \rVert^2, \qquad x \leftarrow x + \eta \left( \frac{\partial f}{\partial x} - 2 \lambda\, x \right).$$
#
# Let $f$ be the score of "flamingo". **Predict.** After 64 steps, how sure will the network be of its flamingo? And will
# *you* see one? The run can be paused, taken step by step and gone back in.

# %% [markdown] tags=["fr"]
# ## 12. Fabriquer une image
#
# Jusqu’ici, nous avions une photo et l’interrogions. Retournons la question : *quelle image exciterait le plus ce
# neurone ?* Partons d’une image vide, $x = 0$. Propageons-la jusqu’au neurone, à la sortie ou en chemin, mettons-y 1 et 0
# partout ailleurs, et rétropropageons jusqu’à l’image. C’est le gradient de la saillance ; cette fois, on l’*ajoute*,
# encore et encore. Les poids sont gelés, seule l’image change. Simonyan, Vedaldi et Zisserman (2014) gardent aussi les
# pixels petits :
#
# $$x^* = \arg\max_x\; f(x) - \lambda\, \lVert x \rVert^2, \qquad x \leftarrow x + \eta \left( \frac{\partial f}{\partial x} - 2 \lambda\, x \right).$$
#
# Soit $f$ le score de « flamant rose ». **Prédisez.** Après 64 pas, à quel point le réseau sera-t-il sûr de son
# flamant ? Et *vous*, en verrez-vous un ? On peut mettre en pause, avancer pas à pas et revenir en arrière.

# %%
nnviz.Ascent(imagenet, target="flamingo", preset="Simonyan", size=224, steps=64)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# The score climbs from 0 to about 40, and the probability to 1.00. You see coloured noise, with a few curves in it at
# best. The network is not lying: nothing in the formula says what a photo looks like, and there are many more noisy
# pictures with a high score than photos.
#
# </details>
#
# Such noise speaks to the network pixel by pixel. Save it: a file cuts its values to those that a picture can have, and only
# about 0.1 of the probability is left. Make it at 192 × 192 pixels, and let it be enlarged to the network's own 224 × 224, as
# any picture would be: about 0.01.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Le score monte de 0 à 40 environ, et la probabilité à 1,00. On voit un bruit coloré et, au mieux, quelques courbes. Le
# réseau ne ment pas : rien dans la formule ne dit à quoi ressemble une photo, et il y a bien plus d’images bruitées de
# score élevé que de photos.
#
# </details>
#
# Un tel bruit parle au réseau pixel par pixel. Enregistrez-le : un fichier ramène ses valeurs à celles qu’une image peut
# avoir, et il ne reste qu’environ 0,1 de la probabilité. Fabriquez-le à 192 × 192 pixels, et laissez-le agrandir aux
# 224 × 224 du réseau, comme le serait toute image : environ 0,01.

# %% [markdown] tags=["en"]
# ## 13. Say what a picture looks like
#
# So let us say it. What we know before we look is called a **prior**, and each one is a small change of the step:
#
# | | after, or during, each step | paper |
# |---|---|---|
# | none | only the gradient | |
# | L2 | large pixels are pulled back | Simonyan et al. 2014 |
# | decay and blur | the picture fades a little, and every fourth step a Gaussian blurs it | Yosinski et al. 2015 |
# | Fourier and jitter | built from waves, moved, scaled and turned a little before each look | Olah et al. 2017 |
#
# Yosinski et al. also set small pixels to 0; add their columns to see. All columns have the same class, the same seed and
# the same number of steps. **Predict.** Which column will have the highest score? In which will you recognise most?

# %% [markdown] tags=["fr"]
# ## 13. Dire à quoi ressemble une image
#
# Alors, disons-le. Ce que l’on sait avant de regarder s’appelle un **a priori**, et chacun est une petite modification du
# pas :
#
# | | après, ou pendant, chaque pas | article |
# |---|---|---|
# | aucun | le gradient seul | |
# | L2 | les grands pixels sont ramenés | Simonyan et al. 2014 |
# | atténuation et flou | l’image pâlit un peu et, tous les quatre pas, une gaussienne la rend floue | Yosinski et al. 2015 |
# | Fourier et décalage | faite d’ondes, déplacée, agrandie et tournée un peu avant chaque regard | Olah et al. 2017 |
#
# Yosinski et al. mettent aussi à 0 les petits pixels ; ajoutez leurs colonnes pour voir. Toutes les colonnes ont la même
# classe, la même graine et le même nombre de pas. **Prédisez.** Quelle colonne aura le score le plus élevé ? Dans laquelle
# reconnaîtrez-vous le plus de choses ?

# %%
nnviz.AscentColumns(imagenet, target="flamingo", size=160, steps=64)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# The score speaks against the priors: 52 without any, 43 with L2, 25 with decay and blur, 32 with waves and jitter. The
# eye speaks for them: noise in the first two, then a hooked neck above thin legs, then soft feathers and a leg in water.
# All four are flamingos to the network, with a probability of 1.0. A prior gives up score for pictures nearer to what the
# network was trained on; what you see is the network *and* the prior.
#
# </details>
#
# Research goes on: *Feature Visualization* (Olah, Mordvintsev and Schubert, Distill, 2017) did this for all channels of a
# network. Here are eight of the layer that we met in section 3, made together. Channel 387 marked the eyes of the cat. **Predict.** Which of the pictures is channel 387? Point at one to read its number; click it to see it grow.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Le score plaide contre les a priori : 52 sans aucun, 43 avec L2, 25 avec atténuation et flou, 32 avec ondes et décalage.
# L’œil plaide pour eux : du bruit dans les deux premières, puis un cou recourbé au-dessus de pattes fines, puis des plumes
# douces et une patte dans l’eau. Les quatre sont des flamants pour le réseau, avec une probabilité de 1,0. Un a priori échange du
# score contre des images plus proches de celles de l’entraînement ; ce qu’on voit, c’est le réseau *et* l’a priori.
#
# </details>
#
# La recherche continue : *Feature Visualization* (Olah, Mordvintsev et Schubert, Distill, 2017) l’a fait pour tous les
# canaux d’un réseau. En voici huit de la couche rencontrée à la section 3, faits ensemble. Le canal 387 marquait les
# yeux du chat. **Prédisez.** Laquelle de ces images est le canal 387 ? Pointez-en une pour lire son numéro ; cliquez pour
# la voir grandir.

# %%
nnviz.AscentSheet(imagenet, layer="stage5.1.expand.relu6", first=384, count=8, steps=48)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# The fourth: arcs one over the other, each with a fringe. Spots with rings around them, which look more like eyes, are in
# the second (385). So "eye detector" was too quick a name. A lid over an eye is one such arc; the
# scales of a roof or of a fish would do as well.
#
# </details>

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# La quatrième : des arcs les uns au-dessus des autres, chacun bordé d’une frange. Des taches entourées d’anneaux, qui
# ressemblent davantage à des yeux, sont dans la deuxième (385). « Détecteur d’yeux » était donc un nom
# trop rapide. Une paupière au-dessus d’un œil est un tel arc ; les tuiles d’un toit ou les écailles d’un poisson feraient
# aussi l’affaire.
#
# </details>

# %% [markdown] tags=["en"]
# ## 14. DeepDream
#
# Nothing obliges us to start from an empty picture. Start from a photo, and strengthen *whatever a layer sees in it*: with
# activations $a$ of the layer and a step size $s$,
#
# $$E = \tfrac{1}{2}\, \text{mean}\, a^2, \qquad g = \frac{\partial E}{\partial x}, \qquad x \leftarrow x + s\, \frac{g}{\text{mean}\, |g|}.$$
#
# This is DeepDream (Mordvintsev, Olah and Tyka, *Inceptionism*, 2015). It goes from small to large, octave by octave, so
# that both large shapes and fine lines grow.
#
# **Predict.** A late layer, then an early one: which will dream of lines, which of parts of animals?

# %% [markdown] tags=["fr"]
# ## 14. DeepDream
#
# Rien n’oblige à partir d’une image vide. Partons d’une photo, et renforçons *tout ce qu’une couche y voit* : avec les
# activations $a$ de la couche et une taille de pas $s$,
#
# $$E = \tfrac{1}{2}\, \text{mean}\, a^2, \qquad g = \frac{\partial E}{\partial x}, \qquad x \leftarrow x + s\, \frac{g}{\text{mean}\, |g|}.$$
#
# C’est DeepDream (Mordvintsev, Olah et Tyka, *Inceptionism*, 2015). On va du petit au grand, octave par octave, pour que
# croissent les grandes formes comme les traits fins.
#
# **Prédisez.** Une couche tardive, puis une couche précoce : laquelle rêvera de traits, laquelle de parties d’animaux ?

# %%
nnviz.DeepDream(imagenet, "cat", side=320, steps=10)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# The early one of lines and grids, the late one of fur, eyes and folds. Choose `stage2.0.expand.relu6` to compare, and
# "channels" to strengthen one channel alone: a dream of the network then becomes a picture of that channel, laid over your
# photo.
#
# </details>

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# La précoce, de traits et de grilles ; la tardive, de pelage, d’yeux et de plis. Choisissez `stage2.0.expand.relu6` pour
# comparer, et « canaux » pour ne renforcer qu’un seul canal : le rêve du réseau devient alors une image de ce canal, posée
# sur votre photo.
#
# </details>

# %% [markdown] tags=["en"]
# ## 15. Your own network
#
# Any `nn.Module` that classifies pictures will do. Say how its pictures were normalised and how large they are; the rest is
# looked up. This one has the shape of the small network of many courses, 16 filters of 7 × 7 × 3 and 20 of 7 × 7 × 16, and it
# has not been trained.
#
# **Predict.** What do the first filters of an untrained network look like beside trained ones?

# %% [markdown] tags=["fr"]
# ## 15. Votre propre réseau
#
# Tout `nn.Module` qui classe des images convient. Dites comment ses images ont été normalisées et quelle est leur taille ; le
# reste se déduit. Celui-ci a la forme du petit réseau de bien des cours, 16 filtres de 7 × 7 × 3 puis 20 de 7 × 7 × 16, et il
# n’a pas été entraîné.
#
# **Prédisez.** À quoi ressemblent les premiers filtres d’un réseau non entraîné, à côté de filtres entraînés ?

# %%
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

# %% [markdown] tags=["en"]
# ## 16. Where research went
#
# Much of what came after the pictures above appeared in *Distill* (2016–2021), a journal whose figures could be touched. *The Building
# Blocks of Interpretability* (Olah et al., 2018) puts maps, attribution and fabricated pictures on one page; *Activation
# Atlas* (Carter et al., 2019) lays fabricated pictures out on a map like those of section 7. Then *Zoom In* (Olah et al.,
# 2020) went back to weights: once it is known what the channels of one layer stand for, the deep filters of section 2 can be
# read after all, as circuits: wheels and windows that add up to a car. It is slow work by hand, done for parts of one network.
#
# Two doubts grew meanwhile. Do such pictures help? Shown real photos, people guess better what excites a channel than with
# fabricated ones (Borowski et al., ICLR 2021). And is a channel the right thing to look at? Many answer to several unrelated
# things; perhaps a network keeps more features than it has channels, each along a *direction* $d$ of them,
#
# $$a_d(u, v) = \sum_k d_k\, a_k(u, v),$$
#
# (Elhage et al., *Toy Models of Superposition*, 2022), and sparse autoencoders look for these directions today.
#
# **Predict.** Here are patches of one more channel of the block of section 5. What is it for?

# %% [markdown] tags=["fr"]
# ## 16. Où est allée la recherche
#
# Une bonne part de la suite a paru dans *Distill* (2016–2021), une revue dont les figures se manipulaient. *The Building
# Blocks of Interpretability* (Olah et al., 2018) réunit cartes, attribution et images fabriquées sur une même page ;
# *Activation Atlas* (Carter et al., 2019) dispose des images fabriquées sur une carte comme celles de la section 7. Puis
# *Zoom In* (Olah et al., 2020) est revenu aux poids : une fois que l’on sait ce que représentent les canaux d’une couche,
# les filtres profonds de la section 2 se lisent enfin, comme des circuits : des roues et des fenêtres qui font ensemble une
# voiture. C’est un lent travail à la main, accompli pour des parties d’un seul réseau.
#
# Deux doutes ont grandi entre-temps. Ces images aident-elles ? Devant de vraies photos, on devine mieux ce qui excite un
# canal que devant des images fabriquées (Borowski et al., ICLR 2021). Et le canal est-il la bonne chose à regarder ? Beaucoup
# répondent à plusieurs choses sans rapport ; un réseau garde peut-être plus de traits qu’il n’a de canaux, chacun suivant une
# *direction* $d$ de ceux-ci,
#
# $$a_d(u, v) = \sum_k d_k\, a_k(u, v),$$
#
# (Elhage et al., *Toy Models of Superposition*, 2022), et ce sont ces directions que cherchent aujourd’hui les autoencodeurs
# parcimonieux.
#
# **Prédisez.** Voici les fragments d’un autre canal du bloc de la section 5. À quoi sert-il ?

# %%
nnviz.TopPatches(imagenet, layer="stage5.1", channel=11)

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# A seam of a space suit, the edge of an eye, a spoon, a lattice tower: nine patches out of all four photos, and no one
# thing in them. It may be a curved edge; it may be several things at once; it may be something for which we have no word.
# Nine patches cannot decide.
#
# </details>
#
# So this tour ends with a question. You can now look at any of these networks, and at your own, and see a great deal; what
# you see are observations, and each needs a test that it could fail.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# Une couture de combinaison, le bord d’un œil, une cuillère, une tour en treillis : neuf fragments tirés des quatre photos,
# et rien d’unique en eux. C’est peut-être un bord courbe ; peut-être plusieurs choses à la fois ; peut-être une chose pour
# laquelle nous n’avons pas de mot. Neuf fragments ne peuvent pas en décider.
#
# </details>
#
# Cette visite finit donc par une question. Vous pouvez maintenant regarder dans n’importe lequel de ces réseaux, et dans le
# vôtre, et y voir beaucoup de choses ; ce sont des observations, et à chacune il faut un test qu’elle pourrait ne pas passer.

# %% [markdown] tags=["en"]
# ## Where to go from here
#
# Each widget has a notebook of its own, with all its controls, the method without a widget, and what to beware of:
# [filters](01_filters.ipynb), [activation maps](02_activation_maps.ipynb), [occlusion](03_occlusion.ipynb),
# [saliency](04_saliency.ipynb), [Grad-CAM](05_grad_cam.ipynb), [ascent](06_ascent.ipynb), [DeepDream](07_deepdream.ipynb),
# [top patches](08_top_patches.ipynb), [neighbours and maps](09_neighbours.ipynb) and [training](10_training.ipynb). Those from
# activation maps to Grad-CAM can look at your camera too.

# %% [markdown] tags=["fr"]
# ## Pour aller plus loin
#
# Chaque widget a son propre notebook, avec tous ses réglages, la méthode sans widget, et ce dont il faut se
# méfier : [les filtres](01_filters.ipynb), [les cartes d’activation](02_activation_maps.ipynb),
# [l’occlusion](03_occlusion.ipynb), [la saillance](04_saliency.ipynb), [Grad-CAM](05_grad_cam.ipynb),
# [la montée](06_ascent.ipynb), [DeepDream](07_deepdream.ipynb), [les fragments](08_top_patches.ipynb),
# [les voisines et les cartes](09_neighbours.ipynb) et [l’apprentissage](10_training.ipynb). Ceux qui vont des cartes
# d’activation à Grad-CAM peuvent aussi regarder par votre caméra.
