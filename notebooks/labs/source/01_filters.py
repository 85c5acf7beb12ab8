# %% [markdown] tags=["en"]
# # Lab 1: filters and activation maps
#
# *60 to 90 minutes.* At the end you will be able to
#
# - read the filters of a convolution and draw them without a lie;
# - write the convolution itself, as a sum, and know what each of its options does;
# - read what any layer gives, with a hook that leaves no trace;
# - count which pixels a neuron can see.
#
# You write five short functions. Below each stands a check that tells you in words what is wrong; below most, a widget that
# shows your result beside ours. Run the cells from top to bottom; before each **Predict**, write your guess down.

# %% [markdown] tags=["fr"]
# # TP 1 : les filtres et les cartes d’activation
#
# *De 60 à 90 minutes.* À la fin, vous saurez
#
# - lire les filtres d’une convolution et les dessiner sans mentir ;
# - écrire la convolution elle-même, comme une somme, et dire ce que fait chacune de ses options ;
# - lire ce que donne n’importe quelle couche, avec un crochet (*hook*) qui ne laisse pas de trace ;
# - compter quels pixels un neurone peut voir.
#
# Vous écrivez cinq petites fonctions. Sous chacune, une vérification vous dit en mots ce qui ne va pas ; sous la plupart, un
# widget montre votre résultat à côté du nôtre. Exécutez les cellules de haut en bas ; à chaque **Prédisez**, notez d’abord
# votre idée.

# %%
import nnviz_widgets as nnviz
from nnviz_widgets import labs

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F

cifar = nnviz.load("cifar_net")  # ten classes, 32 x 32 pixels; convolution, ReLU, pooling, linear
net = cifar.plain_copy()  # an ordinary nn.Module, yours to take apart
x = cifar.prepare(nnviz.sample("cat"))  # (1, 3, 32, 32), normalised
net

# %% [markdown] tags=["en"]
# ## 1. Read the filters
#
# A convolution holds a weight of shape (out, in, height, width): as many filters as outputs, each of which reads all inputs
# through a small window. `module.get_submodule("conv1").weight` is a `Parameter`: it asks for gradients, and it *is* the memory that
# the network computes with. To look at weights you want neither.
#
# **Predict.** What is the shape of the weight of `conv1`? And of `conv2`? Which of the two can be drawn in colour?

# %% [markdown] tags=["fr"]
# ## 1. Lire les filtres
#
# Une convolution contient un poids de forme (sorties, entrées, hauteur, largeur) : autant de filtres que de sorties, dont chacun
# lit toutes les entrées par une petite fenêtre. `module.get_submodule("conv1").weight` est un `Parameter` : il demande des
# gradients, et il *est* la mémoire avec laquelle le réseau calcule. Pour regarder des poids, on ne veut ni l’un ni l’autre.
#
# **Prédisez.** Quelle est la forme du poids de `conv1` ? Et celle de `conv2` ? Lequel des deux peut se dessiner en couleurs ?


# %% tags=["en", "answer:filters"]
def my_filters(module, layer):
    """The weights of a convolution, by its name: (out, in, height, width).

    A copy, which asks for no gradient.
    """
    ### BEGIN SOLUTION
    return module.get_submodule(layer).weight.detach().clone()
    ### END SOLUTION


# %% tags=["fr", "answer:filters"]
def my_filters(module, layer):
    """Les poids d’une convolution, par son nom : (sorties, entrées, hauteur, largeur).

    Une copie, qui ne demande pas de gradient.
    """
    ### BEGIN SOLUTION
    return module.get_submodule(layer).weight.detach().clone()
    ### END SOLUTION


# %% tags=["test:filters_test:1"]
print(labs.check_filters(my_filters))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_filters(my_filters, seed=seed)
### END HIDDEN TESTS

# %%
my_filters(net, "conv1").shape, my_filters(net, "conv2").shape

# %% [markdown] tags=["en"]
# ## 2. Draw a filter
#
# A filter of the first layer reads red, green and blue, so it is a small colour picture itself (Krizhevsky, Sutskever and
# Hinton, NIPS 2012, figure 3). But weights have a sign and no unit. For a picture with values from 0 to 1, take
#
# $$p(i, j, c) = \frac{1}{2} + \frac{w(c, i, j)}{2\, \max |w|}.$$
#
# Grey then always means a weight of 0, brighter a positive one, darker a negative one. A filter without any weights is grey
# all over.
#
# **Predict.** Many programs stretch the smallest weight to 0 and the largest to 1 instead. What would you no longer see?

# %% [markdown] tags=["fr"]
# ## 2. Dessiner un filtre
#
# Un filtre de la première couche lit le rouge, le vert et le bleu ; il est donc lui-même une petite image en couleurs
# (Krizhevsky, Sutskever et Hinton, NIPS 2012, figure 3). Mais les poids ont un signe et pas d’unité. Pour une image dont les
# valeurs vont de 0 à 1, prenez
#
# $$p(i, j, c) = \frac{1}{2} + \frac{w(c, i, j)}{2\, \max |w|}.$$
#
# Le gris veut alors toujours dire un poids nul, plus clair un poids positif, plus foncé un poids négatif. Un filtre dont tous les
# poids sont nuls est gris partout.
#
# **Prédisez.** Bien des programmes étirent plutôt le plus petit poids à 0 et le plus grand à 1. Que ne verrait-on plus ?


# %% tags=["en", "answer:picture"]
def my_picture(weight):
    """One filter (channels, height, width) as a picture (height, width, channels) in 0..1, with 0.5 for a weight of 0."""
    ### BEGIN SOLUTION
    largest = weight.abs().max().clamp(min=1e-12)
    return 0.5 + weight.permute(1, 2, 0) / (2 * largest)
    ### END SOLUTION


# %% tags=["fr", "answer:picture"]
def my_picture(weight):
    """Un filtre (canaux, hauteur, largeur) en image (hauteur, largeur, canaux) dans 0..1, où 0.5 est un poids nul."""
    ### BEGIN SOLUTION
    largest = weight.abs().max().clamp(min=1e-12)
    return 0.5 + weight.permute(1, 2, 0) / (2 * largest)
    ### END SOLUTION


# %% tags=["test:picture_test:2"]
print(labs.check_picture(my_picture))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_picture(my_picture, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# All filters of `conv1`, drawn by you; then the same by the widget. Do they agree?

# %% [markdown] tags=["fr"]
# Tous les filtres de `conv1`, dessinés par vous ; puis les mêmes par le widget. Sont-ils d’accord ?

# %%
figure, axes = plt.subplots(4, 8, figsize=(6, 3))
for place, weight in zip(axes.flat, my_filters(net, "conv1"), strict=True):
    place.imshow(my_picture(weight))
    place.axis("off")

# %%
nnviz.Filters(cifar)

# %% [markdown] tags=["en"]
# ## 3. Convolve by hand
#
# Filter $k$ gives at position $(u, v)$, with stride $s$, and with zeros around the picture for a padding,
#
# $$y_k(u, v) = b_k + \sum_c \sum_{i, j} w_k(c, i, j)\; x_c(su + i,\, sv + j).$$
#
# It is a sum of products, so it is a matrix product once the patches lie in columns. `F.unfold(x, (height, width),
# stride=stride, padding=padding)` does just that: (N, in · height · width, positions), the positions row by row. Multiply by
# the filters as rows, add the bias, and give the positions their rows and columns back. Neither `F.conv2d` nor `nn.Conv2d` is
# allowed here.
#
# **Predict.** A picture of 9 × 12 pixels, a filter of 3 × 3, stride 2, padding 1: how many rows and columns has the map?

# %% [markdown] tags=["fr"]
# ## 3. Convoluer à la main
#
# Le filtre $k$ donne à la position $(u, v)$, avec un pas $s$, et des zéros autour de l’image s’il y a une marge (*padding*),
#
# $$y_k(u, v) = b_k + \sum_c \sum_{i, j} w_k(c, i, j)\; x_c(su + i,\, sv + j).$$
#
# C’est une somme de produits, donc un produit de matrices dès que les morceaux de l’image sont rangés en colonnes. C’est ce que
# fait `F.unfold(x, (height, width),
# stride=stride, padding=padding)` : (N, entrées · hauteur · largeur, positions), les positions ligne par ligne. Multipliez par
# les filtres mis en lignes, ajoutez le biais, et rendez aux positions leurs lignes et leurs colonnes. Ni `F.conv2d` ni
# `nn.Conv2d` ne sont permis ici.
#
# **Prédisez.** Une image de 9 × 12 pixels, un filtre de 3 × 3, un pas de 2, une marge de 1 : combien de lignes et de colonnes la
# carte a-t-elle ?


# %% tags=["en", "answer:convolution"]
def my_convolution(x, weight, bias, stride, padding):
    """What a convolution gives, (N, out, h, w), for x (N, in, H, W), weight (out, in, height, width) and bias (out,)."""
    ### BEGIN SOLUTION
    out, _, height, width = weight.shape
    rows = (x.shape[2] + 2 * padding - height) // stride + 1
    cols = (x.shape[3] + 2 * padding - width) // stride + 1
    patches = F.unfold(x, (height, width), stride=stride, padding=padding)
    sums = weight.flatten(1) @ patches + bias[:, None]
    return sums.view(len(x), out, rows, cols)
    ### END SOLUTION


# %% tags=["fr", "answer:convolution"]
def my_convolution(x, weight, bias, stride, padding):
    """Ce que donne une convolution, (N, sorties, h, w), pour x (N, entrées, H, W), weight (sorties, entrées, hauteur,
    largeur) et bias (sorties,)."""
    ### BEGIN SOLUTION
    out, _, height, width = weight.shape
    rows = (x.shape[2] + 2 * padding - height) // stride + 1
    cols = (x.shape[3] + 2 * padding - width) // stride + 1
    patches = F.unfold(x, (height, width), stride=stride, padding=padding)
    sums = weight.flatten(1) @ patches + bias[:, None]
    return sums.view(len(x), out, rows, cols)
    ### END SOLUTION


# %% tags=["test:convolution_test:3"]
print(labs.check_convolution(my_convolution))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_convolution(my_convolution, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# A function of yours can stand in for the widget's method: it is called as `f(module, x, layer)` and gives all maps,
# (channels, h, w). Here your convolution computes the maps of `conv1`; the widget shows ours, yours, and the largest
# difference.

# %% [markdown] tags=["fr"]
# Une de vos fonctions peut remplacer la méthode du widget : il l’appelle `f(module, x, layer)`, et elle rend toutes les cartes,
# (canaux, h, w). Ici, c’est votre convolution qui calcule les cartes de `conv1` ; le widget montre les nôtres, les vôtres et le
# plus grand écart.


# %%
def by_hand(module, x, layer):
    conv = module.get_submodule(layer)  # conv1 is the layer that reads the picture itself
    return my_convolution(x, conv.weight, conv.bias, conv.stride[0], conv.padding[0])[0]


nnviz.ActivationMaps(cifar, "cat", layer="conv1", method=by_hand)

# %% [markdown] tags=["en"]
# ## 4. Read any layer
#
# For a layer further in, let the network do the work and listen. A *forward hook* is called with what a layer gets and gives:
#
# ```python
# handle = module.get_submodule(layer).register_forward_hook(hook)  # hook(module, input, output)
# ```
#
# Two traps. The hook stays until `handle.remove()` is called, even when the network fails: so call it in a `finally`. And many
# networks save memory by ReLUs that write over what they are given, `nn.ReLU(inplace=True)`: what your hook has kept is then
# changed a moment later, unless it was a copy.
#
# **Predict.** You keep the output of a convolution without a copy, and the next layer is an in-place ReLU. What will you see?

# %% [markdown] tags=["fr"]
# ## 4. Lire n’importe quelle couche
#
# Pour une couche plus profonde, laissez le réseau travailler et écoutez. Un *forward hook* (un crochet) est appelé avec ce
# qu’une couche reçoit et ce qu’elle donne :
#
# ```python
# handle = module.get_submodule(layer).register_forward_hook(hook)  # hook(module, input, output)
# ```
#
# Deux pièges. Le crochet reste là jusqu’à l’appel de `handle.remove()`, même si le réseau échoue : appelez-le donc dans un
# `finally`. Et beaucoup de réseaux épargnent de la mémoire avec des ReLU qui écrivent par-dessus ce qu’on leur donne,
# `nn.ReLU(inplace=True)` : ce que votre crochet a gardé change l’instant d’après, à moins que ce ne soit une copie.
#
# **Prédisez.** Vous gardez sans copie la sortie d’une convolution, et la couche suivante est une ReLU sur place. Que verrez-vous ?


# %% tags=["en", "answer:activation_map"]
def my_activation_map(module, x, layer):
    """What `layer` gives for the picture x: all its maps, (channels, h, w), without gradients.

    Leaves no hook behind, even when the network fails.
    """
    ### BEGIN SOLUTION
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, given, output: kept.append(output.clone()))
    try:
        with torch.no_grad():
            module(x)
    finally:
        handle.remove()
    return kept[0][0]
    ### END SOLUTION


# %% tags=["fr", "answer:activation_map"]
def my_activation_map(module, x, layer):
    """Ce que donne `layer` pour l’image x : toutes ses cartes, (canaux, h, w), sans gradients.

    Ne laisse aucun crochet, même si le réseau échoue.
    """
    ### BEGIN SOLUTION
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, given, output: kept.append(output.clone()))
    try:
        with torch.no_grad():
            module(x)
    finally:
        handle.remove()
    return kept[0][0]
    ### END SOLUTION


# %% tags=["test:activation_map_test:3"]
print(labs.check_activation_map(my_activation_map))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_activation_map(my_activation_map, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# In the widget, choose other layers and channels: your function is run once a layer.

# %% [markdown] tags=["fr"]
# Dans le widget, choisissez d’autres couches et d’autres canaux : votre fonction est exécutée une fois par couche.

# %%
nnviz.ActivationMaps(cifar, "cat", layer="relu3", method=my_activation_map)

# %% [markdown] tags=["en"]
# ## 5. Count what a neuron sees
#
# A neuron sees a window of the layer before, whose neurons each see a window of the layer before theirs, down to the picture
# (Dumoulin and Visin, *A guide to convolution arithmetic for deep learning*, 2016). Along one side, the neurons $a$ to $b$ of
# a layer with kernel $k$, stride $s$ and padding $p$ read from the layer before
#
# $$a' = s a - p, \qquad b' = s b - p + k - 1.$$
#
# Start with $a = b$, the neuron, and go back layer by layer. Negative numbers are right: they lie in the padding.
#
# **Predict.** Which makes a field grow faster, a larger kernel or a pooling of stride 2 before it?

# %% [markdown] tags=["fr"]
# ## 5. Compter ce que voit un neurone
#
# Un neurone voit une fenêtre de la couche d’avant, dont chaque neurone voit une fenêtre de la sienne, et ainsi jusqu’à l’image
# (Dumoulin et Visin, *A guide to convolution arithmetic for deep learning*, 2016). Le long d’un côté, les neurones $a$ à $b$
# d’une couche de noyau $k$, de pas $s$ et de marge $p$ lisent dans la couche d’avant
#
# $$a' = s a - p, \qquad b' = s b - p + k - 1.$$
#
# Partez de $a = b$, le neurone, et remontez couche par couche. Les nombres négatifs sont justes : ils sont dans la marge.
#
# **Prédisez.** Qu’est-ce qui fait grandir plus vite un champ : un noyau plus grand, ou un *pooling* de pas 2 placé avant lui ?


# %% tags=["en", "answer:field"]
def my_receptive_field(steps, index):
    """First and last pixel that neuron `index` sees along a side, not cut at the border.

    steps: a list of (kernel, stride, padding), one a layer, from the picture on.
    """
    ### BEGIN SOLUTION
    first = last = index
    for kernel, stride, padding in reversed(steps):
        first = stride * first - padding
        last = stride * last - padding + kernel - 1
    return first, last
    ### END SOLUTION


# %% tags=["fr", "answer:field"]
def my_receptive_field(steps, index):
    """Premier et dernier pixel que le neurone `index` voit le long d’un côté, sans couper au bord.

    steps : une liste de (noyau, pas, marge), une entrée par couche, à partir de l’image.
    """
    ### BEGIN SOLUTION
    first = last = index
    for kernel, stride, padding in reversed(steps):
        first = stride * first - padding
        last = stride * last - padding + kernel - 1
    return first, last
    ### END SOLUTION


# %% tags=["test:field_test:2"]
print(labs.check_receptive_field(my_receptive_field))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_receptive_field(my_receptive_field, seed=seed)
### END HIDDEN TESTS

# %%
steps = [(7, 1, 3), (2, 2, 0), (3, 1, 1), (3, 1, 1)]  # conv1, pool1, conv2, conv3
print(my_receptive_field(steps, 7), my_receptive_field(steps, 0))
print(cifar.receptive_field("conv3", 7, 7), cifar.receptive_field("conv3", 0, 0))

# %% [markdown] tags=["en"]
# The library cuts its rectangle at the picture's border. Click neurons of the large map, in the middle and at the border, and
# watch the rectangle on the photo.

# %% [markdown] tags=["fr"]
# La bibliothèque coupe son rectangle au bord de l’image. Cliquez sur des neurones de la grande carte, au milieu et au bord, et
# observez le rectangle sur la photo.

# %%
nnviz.ActivationMaps(cifar, "cat", layer="conv3", unit=(7, 7))

# %% [markdown] tags=["en"]
# ## 6. Explore
#
# **Predict.** On a network for photos: what will the maps of an early layer look like, and those of a late one?

# %% [markdown] tags=["fr"]
# ## 6. Explorez
#
# **Prédisez.** Sur un réseau fait pour des photos : à quoi ressembleront les cartes d’une des premières couches, et celles d’une
# des dernières ?

# %%
imagenet = nnviz.load()
nnviz.ActivationMaps(imagenet, "astronaut", layer="stage6.3.expand.relu6", channel=970, overlay=0.5)

# %% [markdown] tags=["en"]
# 1. Go through the layers from first to last with one photo. From where on do you no longer recognise it?
# 2. Sort the maps by maximum, find a channel that follows something you can name, and try it on the other photos.
# 3. Change the scale from shared to each its own. Which maps only seemed strong?
# 4. Plug `my_activation_map` in as `method`, and choose a convolution (its name ends in `conv`). Take the `.clone()` out of
#    your hook and run it again: what does the caption say, and why?
#
# <details><summary><b>Answer</b></summary>
#
# Early maps are pictures in which edges and colours are brought out; late ones are small, mostly 0, and mark places. A channel
# that answers to one thing in four photos may answer to many others: it takes many pictures to support a name. Whether a
# missing copy shows depends on what comes next in the network: only an in-place layer writes over it.
#
# </details>

# %% [markdown] tags=["fr"]
# 1. Parcourez les couches de la première à la dernière avec une même photo. À partir d’où ne la reconnaît-on plus ?
# 2. Triez les cartes par maximum, trouvez un canal qui suit quelque chose que vous savez nommer, et essayez-le sur les autres
#    photos.
# 3. Passez de l’échelle commune à une échelle par carte. Quelles cartes ne faisaient que paraître fortes ?
# 4. Branchez `my_activation_map` comme `method`, et choisissez une convolution (son nom finit par `conv`). Ôtez le `.clone()` de
#    votre crochet et recommencez : que dit la légende, et pourquoi ?
#
# <details><summary><b>Réponse</b></summary>
#
# Les premières cartes sont des images où ressortent contours et couleurs ; les dernières sont petites, presque partout nulles, et
# marquent des endroits. Un canal qui répond à une chose dans quatre photos répond peut-être à bien d’autres : il faut beaucoup
# d’images pour étayer un nom. Qu’une copie manquante se voie dépend de ce qui suit dans le réseau : seule une couche sur place
# écrit par-dessus.
#
# </details>

# %% [markdown] tags=["en"]
# ## 7. In your own words
#
# Filters of the first layer can be drawn as small colour pictures. Why is this no use for `conv4`, and what would you look at
# instead to find out what one of its channels is for? Five lines or so.

# %% [markdown] tags=["fr"]
# ## 7. En vos propres mots
#
# Les filtres de la première couche se dessinent comme de petites images en couleurs. Pourquoi est-ce inutile pour `conv4`, et que
# regarderiez-vous plutôt pour découvrir à quoi sert un de ses canaux ? Cinq lignes environ.

# %% [markdown] tags=["en", "question:deep:2"]
# A filter of `conv4` reads 96 maps and not three colours, through nine weights each; what those maps mean is itself unknown, so
# a drawing of its weights says little. One looks at what it does: its activation map on many pictures, the patches of pictures
# that excite it most, the gradient of one of its neurons, or a picture made to excite it.

# %% [markdown] tags=["fr", "question:deep:2"]
# Un filtre de `conv4` lit 96 cartes et non trois couleurs, par neuf poids chacune ; ce que veulent dire ces cartes est lui-même
# inconnu, et le dessin de ses poids dit donc peu. On regarde ce qu’il fait : sa carte d’activation sur beaucoup d’images, les
# morceaux d’images qui l’excitent le plus, le gradient d’un de ses neurones, ou une image fabriquée pour l’exciter.

# %% [markdown] tags=["en"]
# ## What you have now
#
# - A convolution is a sum of products, and torch's does not turn the filter round.
# - A picture of weights needs a fixed meaning for grey.
# - A hook reads any layer; it is taken away in a `finally`, and keeps a copy.
# - A receptive field is counted backwards: strides multiply, kernels add.
#
# Next: what happens to the network's answer when a part of the picture is hidden.

# %% [markdown] tags=["fr"]
# ## Ce que vous avez maintenant
#
# - Une convolution est une somme de produits, et celle de torch ne retourne pas le filtre.
# - Pour dessiner des poids, il faut que le gris ait un sens fixe.
# - Un crochet lit n’importe quelle couche ; on l’ôte dans un `finally`, et il garde une copie.
# - Un champ récepteur se compte à rebours : les pas se multiplient, les noyaux s’ajoutent.
#
# Ensuite : ce que devient la réponse du réseau quand on cache une partie de l’image.
