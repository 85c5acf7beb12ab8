# %% [markdown] tags=["en"]
# # Lab 2: occlusion by hand
#
# *45 to 75 minutes.* At the end you will be able to
#
# - slide a square over a picture, without missing the border and without touching the original;
# - make a map of a class's probability, one of the most probable class, and one of the drop of a logit;
# - say what such a map shows, what the square itself does to it, and what it costs.
#
# You write six short functions. Below each stands a check that tells you in words what is wrong; the widget then shows your
# map beside ours. Run the cells from top to bottom; before each **Predict**, write your guess down.

# %% [markdown] tags=["fr"]
# # TP 2 : l’occlusion à la main
#
# *De 45 à 75 minutes.* À la fin, vous saurez
#
# - promener un carré sur une image, sans oublier le bord et sans toucher à l’original ;
# - faire la carte de la probabilité d’une classe, celle de la classe la plus probable, et celle de la baisse d’un logit ;
# - dire ce qu’une telle carte montre, ce que le carré lui-même y fait, et ce qu’elle coûte.
#
# Vous écrivez six petites fonctions. Sous chacune, une vérification vous dit en mots ce qui ne va pas ; le widget montre ensuite
# votre carte à côté de la nôtre. Exécutez les cellules de haut en bas ; à chaque **Prédisez**, notez d’abord votre idée.

# %%
import nnviz_widgets as nnviz
from nnviz_widgets import labs

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
import matplotlib.pyplot as plt
import torch

cifar = nnviz.load("cifar_net")  # ten classes, 32 x 32 pixels
net = cifar.plain_copy()  # an ordinary nn.Module
x = cifar.prepare(nnviz.sample("cat"))  # (1, 3, 32, 32), normalised
for index, label, probability in cifar.top(x, 3):
    print(index, label, round(probability, 3))

# %% [markdown] tags=["en"]
# ## 1. Where the square stands
#
# What in this picture makes the network say what it says? Zeiler and Fergus (*Visualizing and Understanding Convolutional
# Networks*, ECCV 2014, figure 7) hid a square of it, ran the network again, and did so for every position.
#
# Along a side of `side` pixels, squares of `size` pixels begin at 0, `stride`, 2 `stride` and so on, as long as they fit. If the
# last one does not reach the border, one more is added, moved back so that it ends there.
#
# **Predict.** Where do the squares begin for a side of 10, a size of 4 and a stride of 4? How many squares are there on a
# picture of 32 × 32 with size 8 and stride 2?

# %% [markdown] tags=["fr"]
# ## 1. Où se tient le carré
#
# Qu’est-ce qui, dans cette image, fait dire au réseau ce qu’il dit ? Zeiler et Fergus (*Visualizing and Understanding
# Convolutional Networks*, ECCV 2014, figure 7) en ont caché un carré, ont exécuté de nouveau le réseau, et ainsi pour chaque
# position.
#
# Le long d’un côté de `side` pixels, des carrés de `size` pixels commencent à 0, `stride`, 2 `stride` et ainsi de suite, tant
# qu’ils tiennent. Si le dernier n’atteint pas le bord, on en ajoute un, reculé pour y finir.
#
# **Prédisez.** Où commencent les carrés pour un côté de 10, une taille de 4 et un pas de 4 ? Combien de carrés y a-t-il sur une
# image de 32 × 32 avec une taille de 8 et un pas de 2 ?


# %% tags=["en", "answer:positions"]
def my_positions(side, size, stride):
    """Where squares begin along a side: a list of whole numbers, without one twice."""
    ### BEGIN SOLUTION
    starts = list(range(0, side - size + 1, stride))
    if starts[-1] < side - size:
        starts.append(side - size)
    return starts
    ### END SOLUTION


# %% tags=["fr", "answer:positions"]
def my_positions(side, size, stride):
    """Où commencent les carrés le long d’un côté : une liste d’entiers, aucun deux fois."""
    ### BEGIN SOLUTION
    starts = list(range(0, side - size + 1, stride))
    if starts[-1] < side - size:
        starts.append(side - size)
    return starts
    ### END SOLUTION


# %% tags=["test:positions_test:2"]
print(labs.check_positions(my_positions))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_positions(my_positions, seed=seed)
### END HIDDEN TESTS

# %%
my_positions(10, 4, 4), len(my_positions(32, 8, 2)) ** 2

# %% [markdown] tags=["en"]
# ## 2. Hide a square
#
# The tensor x is normalised: the mean of the training pictures was subtracted, so a value of 0 is the mean pixel, a grey. That
# is the square we take: it says as little as a square can.
#
# **Predict.** Why must the function work on a copy? What would the second position look like if it did not?

# %% [markdown] tags=["fr"]
# ## 2. Cacher un carré
#
# Le tenseur x est normalisé : la moyenne des images d’entraînement en a été soustraite, et la valeur 0 est donc le pixel moyen,
# un gris. C’est le carré que nous prenons : il dit aussi peu qu’un carré peut dire.
#
# **Prédisez.** Pourquoi la fonction doit-elle travailler sur une copie ? Sinon, à quoi ressemblerait la deuxième position ?


# %% tags=["en", "answer:occlude"]
def my_occlude(x, top, left, size, value):
    """A copy of x (N, C, H, W) whose square at (top, left) holds one value in all channels."""
    ### BEGIN SOLUTION
    hidden = x.clone()
    hidden[:, :, top : top + size, left : left + size] = value
    return hidden
    ### END SOLUTION


# %% tags=["fr", "answer:occlude"]
def my_occlude(x, top, left, size, value):
    """Une copie de x (N, C, H, W) dont le carré en (top, left) contient une même valeur dans tous les canaux."""
    ### BEGIN SOLUTION
    hidden = x.clone()
    hidden[:, :, top : top + size, left : left + size] = value
    return hidden
    ### END SOLUTION


# %% tags=["test:occlude_test:2"]
print(labs.check_occlude(my_occlude))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_occlude(my_occlude, seed=seed)
### END HIDDEN TESTS


# %%
def look(*pictures):
    _, axes = plt.subplots(1, len(pictures), figsize=(3 * len(pictures), 3))
    for place, picture in zip(axes, pictures, strict=True):
        place.imshow(picture)
        place.axis("off")


def photo(x):
    colours = x[0].permute(1, 2, 0)
    return (colours - x.min()) / (x.max() - x.min())


look(photo(x), photo(my_occlude(x, 4, 12, 8, 0)), photo(x))

# %% [markdown] tags=["en"]
# ## 3. Every position
#
# Run the network on every hidden picture and keep **all its logits**: everything else can be made of them afterwards. The
# result has the shape (rows, columns, classes). One row of squares makes a good batch; under `torch.no_grad()` nothing is kept
# for a way back.
#
# **Predict.** How many passes of the network does a map of 13 × 13 positions take? And for a photo of 224 × 224 pixels with size
# 32 and stride 8?

# %% [markdown] tags=["fr"]
# ## 3. Toutes les positions
#
# Exécutez le réseau sur chaque image cachée et gardez **tous ses logits** : le reste s’en déduit. Le résultat est de forme
# (lignes, colonnes, classes). Une ligne de carrés fait un bon lot ; sous `torch.no_grad()`, rien n’est gardé pour un retour.
#
# **Prédisez.** Combien de passes du réseau demande une carte de 13 × 13 positions ? Et pour une photo de 224 × 224 pixels, avec une
# taille de 32 et un pas de 8 ?


# %% tags=["en", "answer:logit_map"]
def my_logit_map(module, x, size, stride):
    """Logits with a square of zeros at every position: (rows, columns, classes), for x (1, C, H, W)."""
    ### BEGIN SOLUTION
    lefts = my_positions(x.shape[3], size, stride)
    rows = []
    with torch.no_grad():
        for top in my_positions(x.shape[2], size, stride):
            rows.append(module(torch.cat([my_occlude(x, top, left, size, 0) for left in lefts])))
    return torch.stack(rows)
    ### END SOLUTION


# %% tags=["fr", "answer:logit_map"]
def my_logit_map(module, x, size, stride):
    """Les logits avec un carré de zéros à chaque position : (lignes, colonnes, classes), pour x (1, C, H, W)."""
    ### BEGIN SOLUTION
    lefts = my_positions(x.shape[3], size, stride)
    rows = []
    with torch.no_grad():
        for top in my_positions(x.shape[2], size, stride):
            rows.append(module(torch.cat([my_occlude(x, top, left, size, 0) for left in lefts])))
    return torch.stack(rows)
    ### END SOLUTION


# %% tags=["test:logit_map_test:4"]
print(labs.check_logit_map(my_logit_map))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_logit_map(my_logit_map, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# ## 4. The probability that remains
#
# From logits $S$ to the probability of class $c$:
#
# $$p_c = \frac{e^{S_c}}{\sum_j e^{S_j}},$$
#
# the softmax over the **classes**, at each position by itself.

# %% [markdown] tags=["fr"]
# ## 4. La probabilité qui reste
#
# Des logits $S$ à la probabilité de la classe $c$ :
#
# $$p_c = \frac{e^{S_c}}{\sum_j e^{S_j}},$$
#
# le softmax sur les **classes**, à chaque position séparément.


# %% tags=["en", "answer:probability"]
def my_probability_map(logits, target):
    """Probability of class `target` at every position: (rows, columns, classes) -> (rows, columns)."""
    ### BEGIN SOLUTION
    return logits.softmax(-1)[..., target]
    ### END SOLUTION


# %% tags=["fr", "answer:probability"]
def my_probability_map(logits, target):
    """Probabilité de la classe `target` à chaque position : (lignes, colonnes, classes) -> (lignes, colonnes)."""
    ### BEGIN SOLUTION
    return logits.softmax(-1)[..., target]
    ### END SOLUTION


# %% tags=["test:probability_test:2"]
print(labs.check_probability_map(my_probability_map))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_probability_map(my_probability_map, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# Put together, your functions stand in for the widget's method. Its caption gives the largest difference and where it is.
#
# **Predict.** Where will the map be darkest: where hiding a part costs the class most?

# %% [markdown] tags=["fr"]
# Mises ensemble, vos fonctions remplacent la méthode du widget. Sa légende donne le plus grand écart et où il est.
#
# **Prédisez.** Où la carte sera-t-elle la plus sombre : où cacher une partie coûte-t-il le plus à la classe ?


# %%
def my_occlusion(module, x, target):
    return my_probability_map(my_logit_map(module, x, 8, 2), target)


nnviz.Occlusion(cifar, "cat", layer="", size=8, stride=2, method=my_occlusion)

# %% [markdown] tags=["en"]
# ## 5. What the network says instead
#
# A low probability does not tell what has taken its place. Make the map of the most probable class. `cifar_net`, which sees
# 32 × 32 pixels, takes this cat for a frog.
#
# **Predict.** Where would you hide something to make it see a cat?

# %% [markdown] tags=["fr"]
# ## 5. Ce que dit le réseau à la place
#
# Une probabilité basse ne dit pas ce qui l’a remplacée. Faites la carte de la classe la plus probable. `cifar_net`, qui voit
# 32 × 32 pixels, prend ce chat pour une grenouille.
#
# **Prédisez.** Que cacheriez-vous pour qu’il y voie un chat ?


# %% tags=["en", "answer:predicted"]
def my_predicted_map(logits):
    """Index of the most probable class at every position: (rows, columns, classes) -> (rows, columns)."""
    ### BEGIN SOLUTION
    return logits.argmax(-1)
    ### END SOLUTION


# %% tags=["fr", "answer:predicted"]
def my_predicted_map(logits):
    """Indice de la classe la plus probable à chaque position : (lignes, colonnes, classes) -> (lignes, colonnes)."""
    ### BEGIN SOLUTION
    return logits.argmax(-1)
    ### END SOLUTION


# %% tags=["test:predicted_test:1"]
print(labs.check_predicted_map(my_predicted_map))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_predicted_map(my_predicted_map, seed=seed)
### END HIDDEN TESTS

# %%
logits = my_logit_map(net, x, 8, 2)
predicted = my_predicted_map(logits)
for index in predicted.unique().tolist():
    print(cifar.labels[index], (predicted == index).sum().item())
look(photo(x), *(predicted == index for index in predicted.unique().tolist()))

# %% [markdown] tags=["en"]
# ## 6. The drop
#
# A probability close to 1 hardly moves, though the evidence for the class may have halved: softmax flattens. The logit does
# not. With $S_c$ for the clean picture and $S_c^{(r, q)}$ with the square in row $r$ and column $q$, the drop is
#
# $$D(r, q) = S_c - S_c^{(r, q)},$$
#
# positive where the hidden part spoke for the class, negative where it spoke against it.
#
# **Predict.** Can hiding a part of the picture *help* the class?

# %% [markdown] tags=["fr"]
# ## 6. La baisse
#
# Une probabilité proche de 1 bouge à peine, même si ce qui parle pour la classe a diminué de moitié : le softmax aplatit. Le
# logit, non. Avec $S_c$ pour l’image intacte et $S_c^{(r, q)}$ avec le carré en ligne $r$ et colonne $q$, la baisse est
#
# $$D(r, q) = S_c - S_c^{(r, q)},$$
#
# positive là où la partie cachée parlait pour la classe, négative là où elle parlait contre elle.
#
# **Prédisez.** Cacher une partie de l’image peut-il *aider* la classe ?


# %% tags=["en", "answer:drop"]
def my_drop(logits, clean, target):
    """Drop of the logit of class `target` at every position: (rows, columns).

    logits: (rows, columns, classes), with the square; clean: (classes,), without it.
    """
    ### BEGIN SOLUTION
    return clean[target] - logits[..., target]
    ### END SOLUTION


# %% tags=["fr", "answer:drop"]
def my_drop(logits, clean, target):
    """Baisse du logit de la classe `target` à chaque position : (lignes, colonnes).

    logits : (lignes, colonnes, classes), avec le carré ; clean : (classes,), sans lui.
    """
    ### BEGIN SOLUTION
    return clean[target] - logits[..., target]
    ### END SOLUTION


# %% tags=["test:drop_test:2"]
print(labs.check_drop(my_drop))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_drop(my_drop, seed=seed)
### END HIDDEN TESTS

# %%
clean = net(x)[0].detach()
target = int(clean.argmax())
drop = my_drop(logits, clean, target)
print(cifar.labels[target], drop.min().item(), drop.max().item())
look(photo(x), my_probability_map(logits, target), drop)

# %% [markdown] tags=["en"]
# ## 7. Explore
#
# The widget computes only what a square can change, which is exact and faster: try it on a photo. Drag the square, and watch
# the bars.

# %% [markdown] tags=["fr"]
# ## 7. Explorez
#
# Le widget ne calcule que ce qu’un carré peut changer, ce qui est exact et plus rapide : essayez-le sur une photo. Faites glisser
# le carré, et observez les barres.

# %%
imagenet = nnviz.load()
nnviz.Occlusion(imagenet, "coffee", layer="", size=96, stride=32)

# %% [markdown] tags=["en"]
# 1. Try sizes from 16 to 128. When does the map say nothing any more, on either side?
# 2. Change the fill from grey to black, white and blur. Which classes appear that are only about the square?
# 3. Choose "rocket" and find a square that makes the network more certain.
#
# <details><summary><b>Answer</b></summary>
#
# A square much smaller than the object hides nothing that another part does not say too; one much larger hides everything
# wherever it stands. The square is itself something to see: a black one has edges and a colour, and may bring its own class. And
# a part may speak for a rival class: hidden, it helps.
#
# </details>

# %% [markdown] tags=["fr"]
# 1. Essayez des tailles de 16 à 128. Quand la carte ne dit-elle plus rien, d’un côté comme de l’autre ?
# 2. Passez du gris au noir, au blanc et au flou. Quelles classes apparaissent, qui ne tiennent qu’au carré ?
# 3. Choisissez la fusée (« rocket ») et trouvez un carré qui rend le réseau plus sûr de lui.
#
# <details><summary><b>Réponse</b></summary>
#
# Un carré bien plus petit que l’objet ne cache rien qu’une autre partie ne dise aussi ; un bien plus grand cache tout, où qu’il
# soit. Le carré est lui-même quelque chose à voir : noir, il a des bords et une couleur, et peut amener sa propre classe. Et une
# partie peut parler pour une classe rivale : la cacher aide.
#
# </details>

# %% [markdown] tags=["en"]
# ## 8. In your own words
#
# The probability of "cat" stays at 0.95 when the square covers the cat's whole face. Give two explanations that have nothing to
# do with each other, and say for each how you would test it. Five lines or so.

# %% [markdown] tags=["fr"]
# ## 8. En vos propres mots
#
# La probabilité de « cat » reste à 0,95 quand le carré couvre toute la tête du chat. Donnez deux explications qui n’ont rien à voir
# l’une avec l’autre, et dites pour chacune comment vous l’éprouveriez. Cinq lignes environ.

# %% [markdown] tags=["en", "question:face:2"]
# The rest of the picture says "cat" as well, the fur or the body: hide both at once, or the body alone. Or softmax hides a large
# drop, because no other class comes close: look at the logit's drop. (Also good: the square's own shape is taken for something
# that goes with cats; try other fills.)

# %% [markdown] tags=["fr", "question:face:2"]
# Le reste de l’image dit aussi « cat », le pelage ou le corps : cacher les deux à la fois, ou le corps seul. Ou bien le softmax
# cache une forte baisse, parce qu’aucune autre classe ne s’approche : regarder la baisse du logit. (Bon aussi : la forme du carré
# est prise pour quelque chose qui va avec les chats ; essayer d’autres contenus.)

# %% [markdown] tags=["en"]
# ## What you have now
#
# - Occlusion needs no gradient and no look inside: it works on anything that gives scores.
# - One table of logits holds all maps: probability, class, drop. The axis decides what a softmax means.
# - It costs a pass a position, and the square is part of the picture.
#
# Next: what one backward pass says about all pixels at once.

# %% [markdown] tags=["fr"]
# ## Ce que vous avez maintenant
#
# - L’occlusion ne demande ni gradient ni regard à l’intérieur : elle s’applique à tout ce qui donne des scores.
# - Un seul tableau de logits contient toutes les cartes : probabilité, classe, baisse. C’est l’axe qui décide de ce que veut dire un
#   softmax.
# - Elle coûte une passe par position, et le carré fait partie de l’image.
#
# Ensuite : ce qu’une seule passe arrière dit de tous les pixels à la fois.
