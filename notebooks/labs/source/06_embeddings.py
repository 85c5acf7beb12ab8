# %% [markdown] tags=["en"]
# # Lab 6: embeddings and neighbours
#
# **About 75 minutes.** At the end you will be able to
#
# - take the vector that a network makes of each picture just before its last layer;
# - find the pictures that it takes for alike, by two distances, without a loop;
# - measure how good such a space is, and lay it out on a plane by principal components;
# - read a t-SNE map without believing all of it.
#
# You write plain PyTorch. After each function a cell checks it and says in words what is wrong; the widget then marks
# where your neighbours are others than the reference's. Write only where it says so, and do not change the names of the
# functions.

# %% [markdown] tags=["fr"]
# # TP 6 : plongements et voisinages
#
# **Environ 75 minutes.** À la fin, vous saurez
#
# - prendre le vecteur qu’un réseau fait de chaque image, juste avant sa dernière couche ;
# - trouver les images qu’il tient pour semblables, selon deux distances, sans boucle ;
# - mesurer ce que vaut un tel espace, et l’étaler sur un plan par composantes principales ;
# - lire une carte t-SNE sans en croire tout.
#
# Vous écrivez du PyTorch ordinaire. Après chaque fonction, une cellule la vérifie et dit en mots ce qui ne va pas ; le
# widget marque ensuite où vos voisines ne sont pas celles de la référence. N’écrivez que là où c’est indiqué, et ne
# changez pas le nom des fonctions.

# %%
import nnviz_widgets as nnviz
from nnviz_widgets import labs, methods

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

small = nnviz.load("cifar_net")
net = small.plain_copy()
digits = nnviz.ImageSet("digits")
digits

# %% [markdown] tags=["en"]
# ## 1. A picture as a point
#
# The last linear layer of a classifier tells classes apart by planes. So what enters it, the *penultimate* vector, must
# have laid pictures of one class on one side, whatever their pixels. Krizhevsky et al. (NeurIPS 2012) show it with no more
# than distances: of a few pictures, those whose vectors are nearest.
#
# Our small network has learnt ten classes of photos: airplanes, cats, ships. It has never seen a digit. We show it the
# 1797 handwritten digits of scikit-learn.
#
# **Predict before you run.**
#
# 1. Of the six nearest neighbours of a digit, drawn at random, which share would show the same digit by chance?
# 2. Will this network do better than chance? Better than comparing the pixels themselves?
#
# <details><summary>Answers</summary>
#
# 1. One in ten, for there are about as many of each.
# 2. You will measure it in part 5.
# </details>

# %% [markdown] tags=["fr"]
# ## 1. Une image est un point
#
# La dernière couche linéaire d’un classificateur sépare les classes par des plans. Ce qui y entre, le vecteur
# *pénultième*, doit donc avoir mis les images d’une classe du même côté, quels que soient leurs pixels. Krizhevsky et al.
# (NeurIPS 2012) le montrent par de simples distances : pour quelques images, celles dont les vecteurs sont les plus
# proches.
#
# Notre petit réseau a appris dix classes de photos : des avions, des chats, des bateaux. Il n’a jamais vu un chiffre. Nous
# lui montrons les 1797 chiffres manuscrits de scikit-learn.
#
# **Prédisez avant d’exécuter.**
#
# 1. Parmi six voisines tirées au hasard, quelle part montrerait le même chiffre par chance ?
# 2. Ce réseau fera-t-il mieux que le hasard ? Mieux que de comparer les pixels eux-mêmes ?
#
# <details><summary>Réponses</summary>
#
# 1. Une sur dix, car il y a à peu près autant de chaque chiffre.
# 2. Vous le mesurerez dans la partie 5.
# </details>

# %% [markdown] tags=["en"]
# ## 2. The penultimate vectors
#
# A *forward pre-hook* is called before a module runs, with `(part, inputs)`; `inputs` is a tuple. Hang one on the *last*
# `nn.Linear` of `module.modules()`, run the module on `x`, take the hook down again (`try: ... finally: ...`) and return
# what entered: `(N, units)`, detached.

# %% [markdown] tags=["fr"]
# ## 2. Les vecteurs pénultièmes
#
# Un *crochet d’entrée* (forward pre-hook) est appelé avant qu’un module ne s’exécute, avec `(part, inputs)` ; `inputs` est
# un tuple. Accrochez-en un à la *dernière* `nn.Linear` de `module.modules()`, exécutez le module sur `x`, décrochez-le
# (`try: ... finally: ...`) et rendez ce qui est entré : `(N, units)`, détaché.


# %% tags=["en", "answer:penultimate"]
def penultimate(module, x):
    """What enters the last linear layer, (N, units)."""
    ### BEGIN SOLUTION
    last = [part for part in module.modules() if isinstance(part, nn.Linear)][-1]
    kept = []
    handle = last.register_forward_pre_hook(lambda part, inputs: kept.append(inputs[0]))
    try:
        module(x)
    finally:
        handle.remove()
    return kept[0].detach()
    ### END SOLUTION


# %% tags=["fr", "answer:penultimate"]
def penultimate(module, x):
    """Ce qui entre dans la dernière couche linéaire, (N, units)."""
    ### BEGIN SOLUTION
    last = [part for part in module.modules() if isinstance(part, nn.Linear)][-1]
    kept = []
    handle = last.register_forward_pre_hook(lambda part, inputs: kept.append(inputs[0]))
    try:
        module(x)
    finally:
        handle.remove()
    return kept[0].detach()
    ### END SOLUTION


# %% tags=["test:penultimate_test:4"]
print(labs.check_penultimate(penultimate))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_penultimate(penultimate, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# The library computes those of all digits; yours of the first hundred should be the same.

# %% [markdown] tags=["fr"]
# La bibliothèque calcule ceux de tous les chiffres ; les vôtres, pour les cent premiers, devraient être les mêmes.

# %%
embedding = methods.embed(small, digits)
vectors, labels = embedding.vectors, torch.tensor(embedding.labels)
x = torch.cat([small.prepare(digits[number]) for number in range(100)])
vectors.shape, (penultimate(net, x) - vectors[:100]).abs().max().item()

# %% [markdown] tags=["en"]
# ## 3. Two distances
#
# First the Euclidean distance of each of M queries to each of N vectors, `(M, N)`, without a loop: broadcast. Then the
# cosine distance, 1 minus the cosine of the angle, which does not see how long the vectors are.
#
# **Predict.** A vector and twice that vector: how far apart are they by each of the two?
#
# <details><summary>Answer</summary>
#
# By the Euclidean distance as far as the vector is long; by the cosine 0.
# </details>

# %% [markdown] tags=["fr"]
# ## 3. Deux distances
#
# D’abord la distance euclidienne de chacune de M requêtes à chacun de N vecteurs, `(M, N)`, sans boucle : par diffusion
# (broadcasting). Ensuite la distance cosinus, 1 moins le cosinus de l’angle, qui ne voit pas la longueur des vecteurs.
#
# **Prédisez.** Un vecteur et son double : à quelle distance sont-ils, selon chacune des deux ?
#
# <details><summary>Réponse</summary>
#
# Selon la distance euclidienne, à la longueur du vecteur ; selon le cosinus, à 0.
# </details>


# %% tags=["en", "answer:euclidean"]
def euclidean(queries, vectors):
    """Distances (M, N) of queries (M, units) to vectors (N, units)."""
    ### BEGIN SOLUTION
    return (queries[:, None] - vectors[None]).square().sum(2).sqrt()
    ### END SOLUTION


# %% tags=["fr", "answer:euclidean"]
def euclidean(queries, vectors):
    """Distances (M, N) de requêtes (M, units) à des vecteurs (N, units)."""
    ### BEGIN SOLUTION
    return (queries[:, None] - vectors[None]).square().sum(2).sqrt()
    ### END SOLUTION


# %% tags=["test:euclidean_test:3"]
print(labs.check_distances(euclidean))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_distances(euclidean, seed=seed)
### END HIDDEN TESTS


# %% tags=["en", "answer:cosine"]
def cosine(queries, vectors):
    """Distances (M, N), 1 - the cosine of the angle."""
    ### BEGIN SOLUTION
    queries = queries / queries.norm(dim=1, keepdim=True)
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    return 1 - queries @ vectors.T
    ### END SOLUTION


# %% tags=["fr", "answer:cosine"]
def cosine(queries, vectors):
    """Distances (M, N), 1 - le cosinus de l’angle."""
    ### BEGIN SOLUTION
    queries = queries / queries.norm(dim=1, keepdim=True)
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    return 1 - queries @ vectors.T
    ### END SOLUTION


# %% tags=["test:cosine_test:3"]
print(labs.check_cosine(cosine))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_cosine(cosine, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# ## 4. Neighbours
#
# Return the places of the k vectors nearest to the one at place `number` by the Euclidean distance, nearest first. The
# vector itself, at distance 0, is no neighbour of its own. Beware of leaving out just the first of the ranking: where the
# set holds the same picture twice, that may be the other one.

# %% [markdown] tags=["fr"]
# ## 4. Les voisines
#
# Rendez les rangs des k vecteurs les plus proches de celui du rang `number` selon la distance euclidienne, du plus proche
# au plus lointain. Le vecteur lui-même, à la distance 0, n’est pas son propre voisin. Gardez-vous d’écarter simplement le
# premier du classement : si l’ensemble contient deux fois la même image, ce peut être l’autre.


# %% tags=["en", "answer:nearest"]
def nearest(vectors, number, k):
    """(k,) places of the nearest vectors, itself left out."""
    ### BEGIN SOLUTION
    distances = euclidean(vectors[number : number + 1], vectors)[0]
    distances[number] = torch.inf
    return distances.topk(k, largest=False).indices
    ### END SOLUTION


# %% tags=["fr", "answer:nearest"]
def nearest(vectors, number, k):
    """(k,) rangs des vecteurs les plus proches, lui-même excepté."""
    ### BEGIN SOLUTION
    distances = euclidean(vectors[number : number + 1], vectors)[0]
    distances[number] = torch.inf
    return distances.topk(k, largest=False).indices
    ### END SOLUTION


# %% tags=["test:nearest_test:4"]
print(labs.check_neighbours(nearest))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_neighbours(nearest, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# In the widget: five digits and their neighbours, the reference's above and yours below. A tick marks the same digit; ≠
# marks where yours is another picture than the reference's.

# %% [markdown] tags=["fr"]
# Dans le widget : cinq chiffres et leurs voisines, celles de la référence en haut, les vôtres en bas. Une coche marque le
# même chiffre ; ≠ marque l’endroit où votre image n’est pas celle de la référence.

# %%
nnviz.Neighbours(small, embedding, method=nearest)

# %% [markdown] tags=["en"]
# ## 5. How good is the space?
#
# One number: the share, from 0 to 1, of the k nearest neighbours of every vector that bear its own label. Each vector has
# k neighbours, itself left out.

# %% [markdown] tags=["fr"]
# ## 5. Que vaut cet espace ?
#
# Un seul nombre : la part, de 0 à 1, des k plus proches voisins de tous les vecteurs qui portent la même étiquette
# qu’eux. Chaque vecteur a k voisins, lui-même excepté.


# %% tags=["en", "answer:same_class_share"]
def same_class_share(vectors, labels, k):
    """Share of the k nearest neighbours that are of a vector's own class."""
    ### BEGIN SOLUTION
    distances = torch.cdist(vectors, vectors)
    distances.fill_diagonal_(torch.inf)
    near = distances.topk(k, largest=False).indices
    return (labels[near] == labels[:, None]).float().mean().item()
    ### END SOLUTION


# %% tags=["fr", "answer:same_class_share"]
def same_class_share(vectors, labels, k):
    """La part des k plus proches voisins qui sont de la classe d’un vecteur."""
    ### BEGIN SOLUTION
    distances = torch.cdist(vectors, vectors)
    distances.fill_diagonal_(torch.inf)
    near = distances.topk(k, largest=False).indices
    return (labels[near] == labels[:, None]).float().mean().item()
    ### END SOLUTION


# %% tags=["test:same_class_share_test:3"]
print(labs.check_same_class(same_class_share))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_same_class(same_class_share, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# Your predictions of part 1, measured: by the network's vectors (yours and the library's), by the pixels as the network
# gets them, and by chance. Did you expect that order? The digits are centred and all of one size, and the network has
# learnt photos: what would it do to a task in which it helps?

# %% [markdown] tags=["fr"]
# Vos prédictions de la partie 1, mesurées : par les vecteurs du réseau (votre mesure et celle de la bibliothèque), par les
# pixels tels que le réseau les reçoit, et par hasard. Attendiez-vous cet ordre ? Les chiffres sont centrés et tous de même
# taille, et le réseau a appris des photos : à quelle tâche serait-il utile ?

# %%
pixels = torch.cat([small.prepare(digits[number]) for number in embedding.numbers]).flatten(1)
chance = torch.rand(len(vectors), 16, generator=torch.Generator().manual_seed(0))
{
    "network": same_class_share(vectors, labels, 6),
    "reference": embedding.same_class(6),
    "pixels": same_class_share(pixels, labels, 6),
    "chance": same_class_share(chance, labels, 6),
}

# %% [markdown] tags=["en"]
# ## 6. On a plane
#
# Nobody sees 128 dimensions. Principal component analysis projects on the two directions in which the vectors vary
# most: centre them, take the singular value decomposition $X - \bar x = U S V^\top$, and project on the first two rows of
# $V^\top$ (`torch.linalg.svd(..., full_matrices=False)` gives `U, S, Vh`). A component has no sign of its own, so your
# map may be mirrored.

# %% [markdown] tags=["fr"]
# ## 6. Sur un plan
#
# Personne ne voit 128 dimensions. L’analyse en composantes principales projette sur les deux directions où les vecteurs
# varient le plus : centrez-les, prenez la décomposition en valeurs singulières $X - \bar x = U S V^\top$, et projetez sur les
# deux premières lignes de $V^\top$ (`torch.linalg.svd(..., full_matrices=False)` donne `U, S, Vh`). Une composante n’a pas
# de signe à elle : votre carte peut être en miroir.


# %% tags=["en", "answer:plane"]
def plane(vectors):
    """The vectors projected on their first two principal components, (N, 2)."""
    ### BEGIN SOLUTION
    centred = vectors - vectors.mean(0)
    _, _, vh = torch.linalg.svd(centred, full_matrices=False)
    return centred @ vh[:2].T
    ### END SOLUTION


# %% tags=["fr", "answer:plane"]
def plane(vectors):
    """Les vecteurs projetés sur leurs deux premières composantes principales, (N, 2)."""
    ### BEGIN SOLUTION
    centred = vectors - vectors.mean(0)
    _, _, vh = torch.linalg.svd(centred, full_matrices=False)
    return centred @ vh[:2].T
    ### END SOLUTION


# %% tags=["test:plane_test:3"]
print(labs.check_plane(plane))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_plane(plane, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# Yours, then the widget's with the pictures themselves; point at one to see its true neighbours.

# %% [markdown] tags=["fr"]
# La vôtre, puis celle du widget, avec les images elles-mêmes ; montrez-en une pour voir ses véritables voisines.

# %%
points = plane(vectors)
plt.figure(figsize=(5, 4))
plt.scatter(points[:, 0], points[:, 1], c=labels, s=4, cmap="tab10")
plt.colorbar()
(points.abs() - torch.from_numpy(embedding.layout("pca").points).abs()).abs().max().item()

# %%
nnviz.EmbeddingMap(small, embedding, kind="pca")

# %% [markdown] tags=["en"]
# ## 7. Explore: t-SNE
#
# A plane of principal components keeps large distances and mixes what is near. t-SNE (van der Maaten & Hinton, JMLR
# 2008) does the reverse: it tries to keep neighbours together, and its *perplexity* says about how many neighbours each
# picture looks at. Choose t-SNE as the map, which takes some seconds; compare perplexity 5, 30 and 100, and two seeds;
# colour the seams, and point at pictures on both sides of a gap.

# %% [markdown] tags=["fr"]
# ## 7. Explorez : t-SNE
#
# Un plan de composantes principales garde les grandes distances et mélange ce qui est proche. t-SNE (van der Maaten &
# Hinton, JMLR 2008) fait l’inverse : elle essaie de garder les voisines ensemble, et sa *perplexité* dit à peu près combien
# de voisines regarde chaque image. Choisissez t-SNE comme carte, ce qui demande quelques secondes ; comparez les
# perplexités 5, 30 et 100, et deux graines ; colorez les coutures, et montrez des images des deux côtés d’un vide.

# %%
nnviz.EmbeddingMap(small, embedding, show="marks")

# %% [markdown] tags=["en"]
# And photos: pieces of four pictures under the large network. Your `nearest` finds neighbours there too. Turn the
# distance to cosine: where do you disagree with the reference now, and why?

# %% [markdown] tags=["fr"]
# Et des photos : des morceaux de quatre images sous le grand réseau. Votre `nearest` y trouve aussi des voisines. Passez à
# la distance cosinus : où n’êtes-vous plus d’accord avec la référence, et pourquoi ?

# %%
imagenet = nnviz.load()
crops = nnviz.ImageSet("samples")
some = range(0, len(crops), 3)
pieces = nnviz.ImageSet([crops[number] for number in some], labels=[crops.label(number) for number in some])
pieces = methods.embed(imagenet, pieces)
nnviz.Neighbours(imagenet, pieces, method=nearest, seed=1)

# %% [markdown] tags=["en", "question:perplexity:2"]
# ## 8. In your own words
#
# What does the perplexity of t-SNE do to the map, and what on such a map may be trusted: distances between groups, sizes
# of groups, neighbours? Three to five sentences, with what you saw at two perplexities.
#
# ### BEGIN SOLUTION
# Perplexity is about the number of neighbours whose distances count for each picture. With 5, the map falls into many
# small clumps, also where there are no classes; with 100, groups are fewer, rounder and closer, and the large shape
# counts more. Neighbours may be trusted most, and are checked by pointing at them or by the seams; distances between
# groups and sizes of groups mean little, since t-SNE stretches dense groups and nothing holds far ones at their distance.
# What is there at several perplexities and seeds may be believed.
# ### END SOLUTION

# %% [markdown] tags=["fr", "question:perplexity:2"]
# ## 8. Avec vos mots
#
# Que fait la perplexité de t-SNE à la carte, et à quoi, sur une telle carte, peut-on se fier : aux distances entre groupes, à
# la taille des groupes, aux voisines ? Trois à cinq phrases, avec ce que vous avez vu à deux perplexités.
#
# ### BEGIN SOLUTION
# La perplexité est à peu près le nombre de voisines dont les distances comptent pour chaque image. À 5, la carte se brise
# en beaucoup de petits amas, même là où il n’y a pas de classes ; à 100, les groupes sont moins nombreux, plus ronds et plus
# proches, et la forme d’ensemble compte davantage. C’est aux voisines qu’on peut le mieux se fier, et on le vérifie en les
# montrant ou par les coutures ; les distances entre groupes et leur taille ne disent pas grand-chose, car t-SNE étire les
# groupes denses et rien ne tient les groupes lointains à leur distance. Ce qui se retrouve à plusieurs perplexités et
# graines est digne de foi.
# ### END SOLUTION

# %% [markdown] tags=["en"]
# ## What to take home
#
# - Just before its last layer a network has laid pictures out so that planes tell classes apart; distances there are
#   distances of content, as far as it has learnt any.
# - Leave the picture itself out, or every measure is too good.
# - Euclidean distance also sees length; cosine sees the angle alone.
# - A map on a plane always lies somewhere. Ask for the true neighbours.
#
# Krizhevsky, Sutskever & Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*, NeurIPS 2012. Van der
# Maaten & Hinton, *Visualizing Data using t-SNE*, JMLR 2008. Karpathy, *t-SNE visualization of CNN codes*, 2014.

# %% [markdown] tags=["fr"]
# ## À retenir
#
# - Juste avant sa dernière couche, un réseau a disposé les images de sorte que des plans séparent les classes ; les
#   distances y sont des distances de contenu, pour autant qu’il en ait appris.
# - Écartez l’image elle-même, sinon toute mesure est trop belle.
# - La distance euclidienne voit aussi la longueur ; le cosinus ne voit que l’angle.
# - Une carte plane ment toujours quelque part. Demandez les véritables voisines.
#
# Krizhevsky, Sutskever & Hinton, *ImageNet Classification with Deep Convolutional Neural Networks*, NeurIPS 2012. Van der
# Maaten & Hinton, *Visualizing Data using t-SNE*, JMLR 2008. Karpathy, *t-SNE visualization of CNN codes*, 2014.
