# %% [markdown] tags=["en"]
# # Lab 4: Grad-CAM
#
# **About 75 minutes.** At the end you will be able to
#
# - read what any layer of a network gives, and the gradient of a class at it, with hooks that leave no trace;
# - write Grad-CAM in five lines, and say what each of them is for;
# - put the maps of two classes on one scale, and know why anything else misleads;
# - get the maps of all 1000 classes by one matrix product where the network allows it.
#
# You write plain PyTorch. After each function a cell checks it and says in words what is wrong; then the widget shows
# your function beside the reference, with the largest difference. Write only where it says so, and do not change the
# names of the functions.

# %% [markdown] tags=["fr"]
# # TP 4 : Grad-CAM
#
# **Environ 75 minutes.** À la fin, vous saurez
#
# - lire ce que donne n’importe quelle couche d’un réseau, et le gradient d’une classe à cette couche, avec des crochets
#   (hooks) qui ne laissent aucune trace ;
# - écrire Grad-CAM en cinq lignes, et dire à quoi sert chacune ;
# - mettre les cartes de deux classes à la même échelle, et pourquoi toute autre façon trompe ;
# - obtenir les cartes des 1000 classes par un seul produit de matrices, quand le réseau le permet.
#
# Vous écrivez du PyTorch ordinaire. Après chaque fonction, une cellule la vérifie et dit en mots ce qui ne va pas ;
# ensuite, le widget montre votre fonction à côté de la référence, avec le plus grand écart. N’écrivez que là où c’est
# indiqué, et ne changez pas le nom des fonctions.

# %%
import nnviz_widgets as nnviz
from nnviz_widgets import labs, methods

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
from functools import partial

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

imagenet = nnviz.load()
net = imagenet.plain_copy()
cifar = nnviz.load("cifar_net")

# %% [markdown] tags=["en"]
# ## 1. The question, and a formula
#
# A network says "espresso". *Where* in the photo is what speaks for it? The last convolutional layer still knows places:
# it gives $K$ maps $a_k$ of $h \times w$ neurons, each of which answers to something it has learnt. Selvaraju et al.
# (Grad-CAM, ICCV 2017) weigh each map by how much the score $S_c$ of the class (the logit, before the softmax) rises
# with it on average, add them up, and keep what is positive:
#
# $$\alpha_k = \frac{1}{h w} \sum_{u, v} \frac{\partial S_c}{\partial a_k(u, v)}, \qquad L_c(u, v) = \max\Big(0,\; \sum_k \alpha_k\, a_k(u, v)\Big).$$
#
# **Predict before you run.** Write down your answers, then unfold ours.
#
# 1. The layer has 1280 maps of 7 × 7. What is the shape of $\alpha$? And of $L_c$?
# 2. What would the map show without the maximum with 0?
# 3. Why the logit, and not the probability after the softmax?
#
# <details><summary>Answers</summary>
#
# 1. 1280 numbers, one a map; $L_c$ is 7 × 7, whatever the size of the photo.
# 2. Also the places that speak *against* the class, as negative values: mostly what speaks for other classes.
# 3. A probability also rises when the logits of the others fall, so its gradient mixes in what speaks against all
#    others; and where the network is sure, the softmax is flat and its gradient next to nothing.
# </details>

# %% [markdown] tags=["fr"]
# ## 1. La question, et une formule
#
# Un réseau dit « espresso ». *Où*, dans la photo, est ce qui parle pour cette classe ? La dernière couche de convolution
# connaît encore les endroits : elle donne $K$ cartes $a_k$ de $h \times w$ neurones, dont chacune répond à quelque chose
# qu’elle a appris. Selvaraju et al. (Grad-CAM, ICCV 2017) pondèrent chaque carte par ce dont le score $S_c$ de la classe
# (le logit, avant le softmax) monte avec elle en moyenne, les additionnent et gardent ce qui est positif :
#
# $$\alpha_k = \frac{1}{h w} \sum_{u, v} \frac{\partial S_c}{\partial a_k(u, v)}, \qquad L_c(u, v) = \max\Big(0,\; \sum_k \alpha_k\, a_k(u, v)\Big).$$
#
# **Prédisez avant d’exécuter.** Notez vos réponses, puis dépliez les nôtres.
#
# 1. La couche a 1280 cartes de 7 × 7. Quelle est la forme de $\alpha$ ? Et celle de $L_c$ ?
# 2. Que montrerait la carte sans le maximum avec 0 ?
# 3. Pourquoi le logit, et non la probabilité d’après le softmax ?
#
# <details><summary>Réponses</summary>
#
# 1. 1280 nombres, un par carte ; $L_c$ est de 7 × 7, quelle que soit la taille de la photo.
# 2. Aussi les endroits qui parlent *contre* la classe, en négatif : surtout ce qui parle pour d’autres classes.
# 3. Une probabilité monte aussi quand les logits des autres baissent : son gradient y mêle ce qui parle contre toutes
#    les autres ; et là où le réseau est sûr de lui, le softmax est plat et son gradient presque nul.
# </details>

# %% [markdown] tags=["en"]
# ## 2. What a layer gives, and the gradient at it
#
# A *forward hook* is a function that a module calls after each forward pass with `(part, inputs, output)`.
# `part.register_forward_hook(f)` hangs it up and returns a handle; `handle.remove()` takes it down again. A hook that is
# left there goes on collecting in everybody's forward passes, so remove it whatever happens: `try: ... finally: ...`.
#
# Write `read_layer`: it returns the activation of the layer and the gradient of logit `target` at it, both
# `(1, K, h, w)` and detached. `module.get_submodule(layer)` finds the layer by its name. For the gradient,
# `torch.autograd.grad(score, activation)` touches no weight's `.grad`, unlike `backward()`.

# %% [markdown] tags=["fr"]
# ## 2. Ce que donne une couche, et le gradient en elle
#
# Un *crochet de propagation* (forward hook) est une fonction qu’un module appelle après chaque passe avant, avec
# `(part, inputs, output)`. `part.register_forward_hook(f)` l’accroche et rend une poignée ; `handle.remove()` le
# décroche. Un crochet oublié continue de recueillir à chaque passe de tout le monde : décrochez-le quoi qu’il arrive,
# `try: ... finally: ...`.
#
# Écrivez `read_layer` : elle rend l’activation de la couche et le gradient du logit `target` en elle, tous deux
# `(1, K, h, w)` et détachés. `module.get_submodule(layer)` trouve la couche par son nom. Pour le gradient,
# `torch.autograd.grad(score, activation)` ne touche au `.grad` d’aucun poids, contrairement à `backward()`.


# %% tags=["en", "answer:read_layer"]
def read_layer(module, x, target, layer):
    """(activation, gradient) of a layer, both (1, K, h, w)."""
    ### BEGIN SOLUTION
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, inputs, output: kept.append(output))
    try:
        score = module(x)[0, target]
    finally:
        handle.remove()
    (gradient,) = torch.autograd.grad(score, kept[0])
    return kept[0].detach(), gradient
    ### END SOLUTION


# %% tags=["fr", "answer:read_layer"]
def read_layer(module, x, target, layer):
    """(activation, gradient) d’une couche, tous deux (1, K, h, w)."""
    ### BEGIN SOLUTION
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, inputs, output: kept.append(output))
    try:
        score = module(x)[0, target]
    finally:
        handle.remove()
    (gradient,) = torch.autograd.grad(score, kept[0])
    return kept[0].detach(), gradient
    ### END SOLUTION


# %% tags=["test:read_layer_test:4"]
print(labs.check_layer_reading(read_layer))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_layer_reading(read_layer, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# What does it give on a real photo? `head` is the last layer of EfficientNet-Lite0 that has places. Which share of the
# 1280 maps has a positive mean gradient for "espresso"? Guess, then run.

# %% [markdown] tags=["fr"]
# Que donne-t-elle sur une vraie photo ? `head` est la dernière couche d’EfficientNet-Lite0 qui a des endroits. Quelle
# part des 1280 cartes a un gradient moyen positif pour « espresso » ? Devinez, puis exécutez.

# %%
coffee = imagenet.prepare(nnviz.sample("coffee"))
espresso = imagenet.class_index("espresso")
activation, gradient = read_layer(net, coffee, espresso, "head")
activation.shape, gradient.shape, (gradient.mean((2, 3)) > 0).float().mean().item()

# %% [markdown] tags=["en"]
# ## 3. Grad-CAM
#
# Now the formula itself. Return the map as large as the layer, `(1, 1, h, w)`, in units of the logit: no stretching, no
# upsampling. `keepdim=True` keeps shapes that multiply.

# %% [markdown] tags=["fr"]
# ## 3. Grad-CAM
#
# Voici la formule elle-même. Rendez la carte aussi grande que la couche, `(1, 1, h, w)`, en unités du logit : sans
# l’étirer ni l’agrandir. `keepdim=True` garde des formes qui se multiplient.


# %% tags=["en", "answer:grad_cam"]
def grad_cam(module, x, target, layer):
    """The Grad-CAM map of class `target` at a layer, (1, 1, h, w)."""
    ### BEGIN SOLUTION
    activation, gradient = read_layer(module, x, target, layer)
    weights = gradient.mean((2, 3), keepdim=True)
    return (weights * activation).sum(1, keepdim=True).relu()
    ### END SOLUTION


# %% tags=["fr", "answer:grad_cam"]
def grad_cam(module, x, target, layer):
    """La carte Grad-CAM de la classe `target` à une couche, (1, 1, h, w)."""
    ### BEGIN SOLUTION
    activation, gradient = read_layer(module, x, target, layer)
    weights = gradient.mean((2, 3), keepdim=True)
    return (weights * activation).sum(1, keepdim=True).relu()
    ### END SOLUTION


# %% tags=["test:grad_cam_test:4"]
print(labs.check_grad_cam(grad_cam))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_grad_cam(grad_cam, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# Plug it into the widget: it calls your function as `f(module, x, target)` on a copy of the network, so the layer is
# fixed with `partial`. Beside the reference stands yours, and below it the largest difference and where it is. Ask
# about other classes: click one of the small maps below.

# %% [markdown] tags=["fr"]
# Branchez-la dans le widget : il appelle votre fonction comme `f(module, x, target)`, sur une copie du réseau ; on fixe
# donc la couche avec `partial`. À côté de la référence, la vôtre, et dessous, le plus grand écart et l’endroit où il se
# trouve. Interrogez d’autres classes : cliquez sur une des petites cartes du bas.

# %%
nnviz.GradCam(imagenet, "coffee", layer="head", method=partial(grad_cam, layer="head"))

# %% [markdown] tags=["en"]
# ## 4. Two classes on one scale
#
# Is there more missile or more crane in the rocket? Two maps can be compared on *one* scale only. Divide both by the
# larger of their two maxima, then upsample both to `size` (height, width) with
# `F.interpolate(..., mode="bilinear", align_corners=False)`, which is for display only: it adds nothing to the map. Two
# maps that are 0 all over stay 0, without dividing by 0.
#
# **Predict.** If each map were divided by its own maximum, what would you see of a class of probability 0.0006?
#
# <details><summary>Answer</summary>
#
# A map that looks as strong as that of the right class: its peak would be 1 as well.
# </details>

# %% [markdown] tags=["fr"]
# ## 4. Deux classes à la même échelle
#
# La fusée a-t-elle plus du missile ou plus de la grue ? Deux cartes ne se comparent qu’à *une même* échelle. Divisez-les
# toutes deux par le plus grand de leurs deux maximums, puis agrandissez-les à `size` (hauteur, largeur) avec
# `F.interpolate(..., mode="bilinear", align_corners=False)`, ce qui ne sert qu’à montrer et n’ajoute rien à la carte.
# Deux cartes nulles partout restent nulles, sans division par 0.
#
# **Prédisez.** Si chaque carte était divisée par son propre maximum, que verrait-on d’une classe de probabilité 0,0006 ?
#
# <details><summary>Réponse</summary>
#
# Une carte qui paraît aussi forte que celle de la bonne classe : son sommet vaudrait 1 aussi.
# </details>


# %% tags=["en", "answer:on_one_scale"]
def on_one_scale(first, second, size):
    """(first, second), maps (1, 1, h, w) on one scale from 0 to 1, upsampled to (1, 1, *size)."""
    ### BEGIN SOLUTION
    most = max(first.max().item(), second.max().item()) or 1.0
    return tuple(F.interpolate(each / most, size, mode="bilinear", align_corners=False) for each in (first, second))
    ### END SOLUTION


# %% tags=["fr", "answer:on_one_scale"]
def on_one_scale(first, second, size):
    """(first, second), des cartes (1, 1, h, w) à une même échelle de 0 à 1, agrandies à (1, 1, *size)."""
    ### BEGIN SOLUTION
    most = max(first.max().item(), second.max().item()) or 1.0
    return tuple(F.interpolate(each / most, size, mode="bilinear", align_corners=False) for each in (first, second))
    ### END SOLUTION


# %% tags=["test:on_one_scale_test:3"]
print(labs.check_one_scale(on_one_scale))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_one_scale(on_one_scale, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# Yours, "missile" on the left and "crane" on the right; then the widget's, with both over the photo and one colour bar.

# %% [markdown] tags=["fr"]
# Les vôtres, « missile » à gauche et « crane », la grue, à droite ; puis celles du widget, sur la photo, avec une seule
# échelle de couleurs.

# %%
rocket = imagenet.prepare(nnviz.sample("rocket"))
missile, crane = (imagenet.class_index(name) for name in ("missile", "crane"))
maps = [grad_cam(net, rocket, target, "head") for target in (missile, crane)]
Image.fromarray((255 * torch.cat(on_one_scale(*maps, (224, 224)), 3)[0, 0]).byte().numpy())

# %%
nnviz.GradCam(imagenet, "rocket", target="missile", second="crane", layer="head")

# %% [markdown] tags=["en"]
# ## 5. All classes by one product
#
# This network ends in an average over space and one linear layer: $S_c = b_c + \sum_k W_{ck} \frac{1}{hw} \sum_{u,v} a_k(u, v)$.
#
# **Predict.** What is $\partial S_c / \partial a_k(u, v)$ at the layer that enters the average? What does Grad-CAM become?
#
# <details><summary>Answer</summary>
#
# $W_{ck} / (h w)$, the same at every place and for every photo. So $\alpha_k = W_{ck} / (h w)$, and the maps of all
# classes are $\max(0, W a) / (h w)$: the class activation mapping of Zhou et al. (CVPR 2016), without any backward pass.
# </details>
#
# Write it for an activation `(1, K, h, w)` and the weight `(classes, K)` of the linear layer.

# %% [markdown] tags=["fr"]
# ## 5. Toutes les classes par un seul produit
#
# Ce réseau finit par une moyenne spatiale et une seule couche linéaire : $S_c = b_c + \sum_k W_{ck} \frac{1}{hw} \sum_{u,v} a_k(u, v)$.
#
# **Prédisez.** Que vaut $\partial S_c / \partial a_k(u, v)$ à la couche qui entre dans la moyenne ? Que devient Grad-CAM ?
#
# <details><summary>Réponse</summary>
#
# $W_{ck} / (h w)$, la même chose partout et pour toutes les photos. Donc $\alpha_k = W_{ck} / (h w)$, et les cartes de
# toutes les classes sont $\max(0, W a) / (h w)$ : ce sont les cartes d’activation de classe (CAM) de Zhou et al. (CVPR
# 2016), sans aucune passe arrière.
# </details>
#
# Écrivez-le pour une activation `(1, K, h, w)` et le poids `(classes, K)` de la couche linéaire.


# %% tags=["en", "answer:class_maps"]
def class_maps(activation, weight):
    """The Grad-CAM maps of all classes, (classes, h, w)."""
    ### BEGIN SOLUTION
    _, _, h, w = activation.shape
    return (weight @ activation[0].flatten(1)).relu().view(-1, h, w) / (h * w)
    ### END SOLUTION


# %% tags=["fr", "answer:class_maps"]
def class_maps(activation, weight):
    """Les cartes Grad-CAM de toutes les classes, (classes, h, w)."""
    ### BEGIN SOLUTION
    _, _, h, w = activation.shape
    return (weight @ activation[0].flatten(1)).relu().view(-1, h, w) / (h * w)
    ### END SOLUTION


# %% tags=["test:class_maps_test:3"]
print(labs.check_class_maps(class_maps))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_class_maps(class_maps, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# Do 1000 maps agree with your Grad-CAM, class by class? And whose map reaches highest in the photo of the coffee?

# %% [markdown] tags=["fr"]
# Les 1000 cartes s’accordent-elles avec votre Grad-CAM, classe par classe ? Et quelle carte monte le plus haut dans la
# photo du café ?

# %%
linear = [part for part in net.modules() if isinstance(part, nn.Linear)][-1]
all_maps = class_maps(activation, linear.weight.detach())
difference = (all_maps[espresso] - grad_cam(net, coffee, espresso, "head")[0, 0]).abs().max().item()
difference, [imagenet.labels[c] for c in all_maps.amax((1, 2)).topk(5).indices.tolist()]

# %% [markdown] tags=["en"]
# ## 6. Guided Grad-CAM
#
# The map knows the class but is coarse; guided backpropagation (lab 3) is sharp but hardly knows the class. Their
# product is guided Grad-CAM: multiply the guided gradient `(1, C, H, W)` by the map `(1, 1, h, w)`, upsampled as above.

# %% [markdown] tags=["fr"]
# ## 6. Grad-CAM guidée
#
# La carte connaît la classe mais elle est grossière ; la rétropropagation guidée (TP 3) est fine mais ne connaît guère la
# classe. Leur produit est Grad-CAM guidée : multipliez le gradient guidé `(1, C, H, W)` par la carte `(1, 1, h, w)`,
# agrandie comme plus haut.


# %% tags=["en", "answer:guided_grad_cam"]
def guided_grad_cam(guided, cam):
    """Guided gradient times upsampled map, like `guided`."""
    ### BEGIN SOLUTION
    return guided * F.interpolate(cam, guided.shape[2:], mode="bilinear", align_corners=False)
    ### END SOLUTION


# %% tags=["fr", "answer:guided_grad_cam"]
def guided_grad_cam(guided, cam):
    """Le gradient guidé multiplié par la carte agrandie, comme `guided`."""
    ### BEGIN SOLUTION
    return guided * F.interpolate(cam, guided.shape[2:], mode="bilinear", align_corners=False)
    ### END SOLUTION


# %% tags=["test:guided_grad_cam_test:2"]
print(labs.check_guided_grad_cam(guided_grad_cam))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_guided_grad_cam(guided_grad_cam, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# Yours, as the absolute value, the largest over the colours; then the widget's.

# %% [markdown] tags=["fr"]
# La vôtre, en valeur absolue, la plus grande sur les couleurs ; puis celle du widget.

# %%
guided = methods.saliency(imagenet, coffee, nnviz.logit(espresso), rule="guided")
picture = guided_grad_cam(guided, grad_cam(net, coffee, espresso, "head")).abs().amax(1)[0]
Image.fromarray((255 * picture / picture.quantile(0.995)).clamp(0, 255).byte().numpy())

# %%
nnviz.GradCam(imagenet, "coffee", target="espresso", layer="head", guided=True)

# %% [markdown] tags=["en"]
# ## 7. Explore
#
# Take the layer back, step by step, and look at what becomes of the map; ask about a class that is not in the photo; try
# your own picture. The small network of the first labs has no average before its linear layers: does your function still
# agree with the reference there?

# %% [markdown] tags=["fr"]
# ## 7. Explorez
#
# Remontez de couche en couche, et regardez ce que devient la carte ; interrogez une classe qui n’est pas dans la photo ;
# essayez votre propre image. Le petit réseau des premiers TP n’a pas de moyenne avant ses couches linéaires : votre
# fonction s’y accorde-t-elle encore avec la référence ?

# %%
nnviz.GradCam(cifar, "cat", layer="relu4", method=partial(grad_cam, layer="relu4"))

# %% [markdown] tags=["en", "question:early_layers:2"]
# ## 8. In your own words
#
# At an early layer the Grad-CAM map of a class is hardly of use, though its cells are smaller. Why? Think of what one
# weight a map has to stand for, and look at what the widget shows at `stage2`. Three to five sentences; name one picture
# and layer that you looked at.
#
# ### BEGIN SOLUTION
# A weight is the mean of the gradient over all places of a map. Early maps answer to edges and colours wherever they
# are: the same edge speaks for the class at one place and against it at another, so the gradient has both signs and its
# mean is near 0 and says nothing of either. At the last layer a map stands for something like a part of an object, which
# speaks for or against the class wherever it is, and behind global average pooling the gradient is even the same
# everywhere, so nothing is lost by the mean.
# ### END SOLUTION

# %% [markdown] tags=["fr", "question:early_layers:2"]
# ## 8. Avec vos mots
#
# À une couche précoce, la carte Grad-CAM d’une classe ne sert guère, bien que ses cellules soient plus petites. Pourquoi ?
# Pensez à ce qu’un seul poids par carte doit représenter, et regardez ce que montre le widget à `stage2`. Trois à cinq
# phrases ; nommez une image et une couche que vous avez regardées.
#
# ### BEGIN SOLUTION
# Un poids est la moyenne du gradient sur tous les endroits d’une carte. Les cartes précoces répondent à des bords et à
# des couleurs où qu’ils soient : le même bord parle pour la classe à un endroit et contre elle à un autre ; le gradient
# a donc les deux signes, sa moyenne est proche de 0 et ne dit rien ni de l’un ni de l’autre. À la dernière couche, une
# carte représente quelque chose comme une partie d’objet, qui parle pour ou contre la classe où qu’elle soit ; et derrière
# une moyenne spatiale, le gradient est même partout égal : la moyenne ne perd rien.
# ### END SOLUTION

# %% [markdown] tags=["en"]
# ## What to take home
#
# - Grad-CAM is one backward pass to one layer: mean gradient, weighted sum, ReLU.
# - The map says where something speaks for a class, not whether the class is there: read its maximum.
# - It is as coarse as its layer. Smooth edges come from the display.
# - Maps are compared on one scale, or not at all.
#
# Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization*, ICCV 2017. Zhou et
# al., *Learning Deep Features for Discriminative Localization*, CVPR 2016.

# %% [markdown] tags=["fr"]
# ## À retenir
#
# - Grad-CAM, c’est une passe arrière jusqu’à une couche : gradient moyen, somme pondérée, ReLU.
# - La carte dit où quelque chose parle pour une classe, non si la classe est là : lisez son maximum.
# - Elle est aussi grossière que sa couche. La douceur des bords vient de l’affichage.
# - Des cartes se comparent à la même échelle, ou pas du tout.
#
# Selvaraju et al., *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization*, ICCV 2017. Zhou et
# al., *Learning Deep Features for Discriminative Localization*, CVPR 2016.
