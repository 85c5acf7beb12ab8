# %% [markdown] tags=["en"]
# # Neighbours and maps of pictures
#
# `nnviz.EmbeddingMap` lays pictures out on a plane, so that those lie together which the network finds alike (van der
# Maaten & Hinton, JMLR 2008; Karpathy 2014). Just before its last layer a network turns every picture into a vector;
# pictures of one kind have vectors close to each other, whatever their pixels. `nnviz.Neighbours` shows the nearest ones
# of a few pictures (Krizhevsky et al., NeurIPS 2012, figure 4).
#
# The [tour](00_tour.ipynb) tells the story; this page is for those who want to use the widgets.

# %% [markdown] tags=["fr"]
# # Voisines et cartes d’images
#
# `nnviz.EmbeddingMap` dispose des images sur un plan, de sorte que soient ensemble celles que le réseau trouve
# semblables (van der Maaten & Hinton, JMLR 2008 ; Karpathy 2014). Juste avant sa dernière couche, un réseau fait de
# chaque image un vecteur ; des images d’une même sorte ont des vecteurs proches, quels que soient leurs pixels.
# `nnviz.Neighbours` montre les plus proches de quelques images (Krizhevsky et al., NeurIPS 2012, figure 4).
#
# La [visite](00_tour.ipynb) raconte l’histoire ; cette page est pour qui veut se servir des widgets.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %% [markdown] tags=["en"]
# ## The vectors
#
# `methods.embed` computes them once, for a set of pictures: a folder, whose subfolders are the classes, a list of files,
# a dataset, an array, or one of two offline sets. They are those of the input of the last layer, or of any `layer`; maps
# are averaged over space. Here: scikit-learn's handwritten digits under a network that learned photos alone.

# %% [markdown] tags=["fr"]
# ## Les vecteurs
#
# `methods.embed` les calcule une fois pour toutes, pour un ensemble d’images : un dossier, dont les sous-dossiers sont
# les classes, une liste de fichiers, un jeu de données, un tableau, ou l’un de deux ensembles fournis. Ce sont ceux de
# l’entrée de la dernière couche, ou de toute autre (`layer`) ; on prend la moyenne spatiale des cartes. Ici : les
# chiffres manuscrits de scikit-learn, sous un réseau qui n’a appris que des photos.

# %%
from nnviz_widgets import methods

small = nnviz.load("cifar_net")
digits = methods.embed(small, nnviz.ImageSet("digits"))
digits.vectors.shape

# %% [markdown] tags=["en"]
# ## The widget
#
# The map begins with PCA, at once. t-SNE and UMAP are computed in a process of their own: the pictures move while they
# find their places, and Cancel ends it at once. Point at a picture: lines lead to its true neighbours. Drag to move,
# hold Ctrl and turn the wheel to zoom, hold Shift and drag around a group to count its classes.

# %% [markdown] tags=["fr"]
# ## Le widget
#
# La carte commence par l’ACP, aussitôt. t-SNE et UMAP sont calculées dans un processus à part : les images bougent
# pendant qu’elles trouvent leur place, et Annuler y met fin aussitôt. Pointez une image : des traits mènent à ses
# véritables voisines. Glissez pour déplacer la carte, tenez Ctrl et tournez la molette pour l’agrandir, tenez Maj et
# glissez autour d’un groupe pour en compter les classes.

# %%
nnviz.EmbeddingMap(small, digits, kind="tsne")

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Map | `kind` | `"pca"`, `"tsne"` or `"umap"` |
# | Filled grid | `filled` | pulls the pictures onto a grid without gaps |
# | Distance | `metric` | `"euclidean"`, or `"cosine"`: the angle alone |
# | Perplexity | `perplexity` | of t-SNE: about how many neighbours a picture looks at |
# | Neighbours | `neighbours` | of UMAP: the same |
# | Minimal distance | `minimal_distance` | of UMAP: how near pictures may come |
# | Seed | `seed` | another one gives another map |
# | Show | `show` | `"pictures"` where they find room, or `"marks"` |
# | Colours | `colours` | of the classes, or `"seams"`: red where neighbours on the map are far in truth |
# | Size | `side` | of the pictures, in pixels of the screen |
# | Your picture | `photo` | a sample, a path, a PIL image, an array; placed among its neighbours, the map stays |
# | Move, Lasso | `tool` | what dragging does: `"pan"` or `"lasso"` |
# | | `width` | of the map, in pixels of the screen; set it at the beginning |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Carte | `kind` | `"pca"`, `"tsne"` ou `"umap"` |
# | Grille pleine | `filled` | tire les images sur une grille sans trous |
# | Distance | `metric` | `"euclidean"`, ou `"cosine"` : l’angle seul |
# | Perplexité | `perplexity` | de t-SNE : combien de voisines, à peu près, regarde une image |
# | Voisines | `neighbours` | d’UMAP : de même |
# | Distance minimale | `minimal_distance` | d’UMAP : jusqu’où les images peuvent se rapprocher |
# | Graine | `seed` | une autre donne une autre carte |
# | Montrer | `show` | `"pictures"` là où elles trouvent place, ou `"marks"`, des marques |
# | Couleurs | `colours` | celles des classes, ou `"seams"` : rouge là où des voisines sur la carte sont éloignées en réalité |
# | Taille | `side` | celle des images, en pixels de l’écran |
# | Votre image | `photo` | un exemple, un chemin, une image PIL, un tableau ; placée parmi ses voisines, la carte reste |
# | Déplacer, Lasso | `tool` | ce que fait glisser : `"pan"` ou `"lasso"` |
# | | `width` | celle de la carte, en pixels de l’écran ; à régler dès la construction |

# %% [markdown] tags=["en"]
# ## How far to trust it
#
# A plane has no room for hundreds of dimensions, so every map lies somewhere. Beside it stand its trustworthiness (1
# when no picture is near on the map that is far in truth; Venna & Kaski 2001) and the share of true neighbours that are
# neighbours on the map. The seams say where it lies.

# %% [markdown] tags=["fr"]
# ## Jusqu’où s’y fier
#
# Un plan n’a pas la place de centaines de dimensions : toute carte ment quelque part. À côté d’elle figurent sa fiabilité
# (1 quand aucune image proche sur la carte n’est éloignée en réalité ; Venna & Kaski 2001) et la part des véritables voisines
# qui le sont aussi sur la carte. Les coutures disent où elle ment.

# %%
nnviz.EmbeddingMap(small, digits, show="marks", colours="seams")

# %% [markdown] tags=["en"]
# ## Neighbours
#
# Pieces of the four sample photos, under the ImageNet network: which ones does it find alike? The class is the photo
# that a piece was cut from, and a tick marks what comes from the same one. Click a neighbour to go on from there, or
# choose one with the arrow keys and press Enter; your own picture becomes the first row.

# %% [markdown] tags=["fr"]
# ## Les voisines
#
# Des morceaux des quatre photos d’exemple, sous le réseau d’ImageNet : lesquels trouve-t-il semblables ? La classe est
# la photo d’où vient le morceau, et une coche marque ce qui vient de la même. Cliquez sur une voisine pour continuer à
# partir d’elle, ou choisissez-la avec les flèches et appuyez sur Entrée ; votre propre image devient la première ligne.

# %%
imagenet = nnviz.load()
pieces = methods.embed(imagenet, nnviz.ImageSet("samples"))
nnviz.Neighbours(imagenet, pieces, metric="cosine", seed=1)

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | | `references` | places in the embedding of the pictures in the first column, five at most |
# | Distance | `metric` | `"euclidean"` or `"cosine"` |
# | Another five | `seed` | by which the five are drawn |
# | Your picture | `photo` | a sample, a path, a PIL image, an array; the first row |
# | | `chosen` | the (row, column) with the double outline; Enter makes it the reference |
# | | `method` | your own search, see below |
#
# Here is a whole photo, the cat, placed among its pieces; the map is pulled onto a grid, so that none covers another.

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | | `references` | les rangs, parmi les vecteurs, des images de la première colonne, cinq au plus |
# | Distance | `metric` | `"euclidean"` ou `"cosine"` |
# | Cinq autres | `seed` | celle du tirage des cinq |
# | Votre image | `photo` | un exemple, un chemin, une image PIL, un tableau ; la première ligne |
# | | `chosen` | la case (ligne, colonne) au double contour ; Entrée en fait la référence |
# | | `method` | votre propre recherche, voir plus bas |
#
# Voici une photo entière, celle du chat, placée parmi ses morceaux ; la carte est tirée sur une grille, pour qu’aucun n’en
# couvre un autre.

# %%
nnviz.EmbeddingMap(imagenet, pieces, metric="cosine", filled=True, photo="cat")

# %% [markdown] tags=["en"]
# A function of yours can search in place of the method, `nnviz.Neighbours(engine, embedding, method=f)`: it gets all
# vectors, the number of the one that is asked about and how many neighbours are wanted, and gives their numbers, nearest
# first; with `metric` among its arguments it is told the distance. Where it finds another one than the reference, the
# tile bears ≠.
#
# ```python
# def my_search(vectors, number, k):
#     distances = (vectors - vectors[number]).norm(dim=1)
#     return distances.argsort()[1 : k + 1]  # the first one is the picture itself
#
#
# nnviz.Neighbours(imagenet, pieces, method=my_search, seed=1)
# ```

# %% [markdown] tags=["fr"]
# Une fonction à vous peut chercher à la place de la méthode, `nnviz.Neighbours(engine, embedding, method=f)` : elle
# reçoit tous les vecteurs, le numéro de celui qu’on interroge et le nombre de voisines voulues, et rend leurs numéros,
# de la plus proche à la plus lointaine ; si elle nomme `metric` parmi ses arguments, on lui dit la distance. Là où elle
# en trouve une autre que la référence, l’image porte ≠.
#
# ```python
# def my_search(vectors, number, k):
#     distances = (vectors - vectors[number]).norm(dim=1)
#     return distances.argsort()[1 : k + 1]  # the first one is the picture itself
#
#
# nnviz.Neighbours(imagenet, pieces, method=my_search, seed=1)
# ```

# %% [markdown] tags=["en"]
# ## From code
#
# Traits are set in the constructor or later; `compute()` waits for the result, the points of the map, and returns it.
# `selected` holds the places in the embedding of what the lasso caught, and `own_place` where your own picture lies.

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# Les traits se règlent dès la construction ou plus tard ; `compute()` attend le résultat, les points de la carte, et le
# rend. `selected` contient les rangs, parmi les vecteurs, de ce que le lasso a pris, et `own_place` l’endroit de votre
# propre image.

# %%
view = nnviz.EmbeddingMap(imagenet, pieces)
view.metric = "cosine"
view.compute().points.shape, view.trust, view.save("map.png")

# %% [markdown] tags=["en"]
# Without a widget: neighbours of one picture, and how often the six nearest are of its class, over the whole set.

# %% [markdown] tags=["fr"]
# Sans widget : les voisines d’une image, et combien de fois les six plus proches sont de sa classe, sur tout l’ensemble.

# %%
near = digits.neighbours(0, 6, metric="cosine")
near.numbers.tolist(), near.distances.tolist(), digits.same_class(6, metric="cosine")

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - Distances between groups on a t-SNE or UMAP map mean little, and neither do the sizes of groups. Point at pictures,
#   or look at the seams, before you believe an island.
# - Another perplexity or seed gives another map. What is in all of them may be trusted.
# - Groups appear even in noise where the perplexity is small.
# - Euclidean distance also sees how long a vector is; a few short vectors then become the neighbours of many pictures.
#   Cosine sees the angle alone, and often finds more of the same class.
# - Neighbours are alike to this layer of this network. At an early layer that is colour and texture.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - Les distances entre groupes d’une carte t-SNE ou UMAP ne disent pas grand-chose, ni la taille des groupes. Montrez
#   des images, ou regardez les coutures, avant de croire à une île.
# - Une autre perplexité ou une autre graine donne une autre carte. Ce qui se retrouve dans toutes mérite confiance.
# - Des groupes apparaissent même dans du bruit quand la perplexité est petite.
# - La distance euclidienne voit aussi la longueur d’un vecteur ; quelques vecteurs courts deviennent alors voisins de
#   bien des images. Le cosinus ne voit que l’angle, et trouve souvent plus d’images de la même classe.
# - Des voisines sont semblables pour cette couche de ce réseau. Dans les premières couches, c’est par la couleur et la texture.
