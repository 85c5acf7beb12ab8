# %% [markdown] tags=["en"]
# # Lab 3: saliency and the three ways back through a ReLU
#
# *60 to 90 minutes.* At the end you will be able to
#
# - compute the gradient of a class or of one neuron at every pixel, in plain PyTorch;
# - go back through ReLUs by three rules, and leave the network as you found it;
# - say what such a picture shows, and what it does not.
#
# You write five short functions. Below each stands a check that tells you in words what is wrong, and a widget that shows
# your result beside ours. Run the cells from top to bottom; before each **Predict**, write your guess down.

# %% [markdown] tags=["fr"]
# # TP 3 : la saillance et les trois façons de repasser une ReLU
#
# *De 60 à 90 minutes.* À la fin, vous saurez
#
# - calculer, en simple PyTorch, le gradient d’une classe ou d’un seul neurone en chaque pixel ;
# - repasser les ReLU selon trois règles, et laisser le réseau comme vous l’avez trouvé ;
# - dire ce qu’une telle image montre, et ce qu’elle ne montre pas.
#
# Vous écrivez cinq petites fonctions. Sous chacune, une vérification vous dit en mots ce qui ne va pas, et un widget montre
# votre résultat à côté du nôtre. Exécutez les cellules de haut en bas ; à chaque **Prédisez**, notez d’abord votre idée.

# %%
import nnviz_widgets as nnviz
from nnviz_widgets import labs

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
import matplotlib.pyplot as plt
import torch
from torch import nn

cifar = nnviz.load("cifar_net")  # ten classes, 32 x 32 pixels; convolution, ReLU, pooling, linear
net = cifar.plain_copy()  # an ordinary nn.Module, yours to take apart
x = cifar.prepare(nnviz.sample("cat"))  # (1, 3, 32, 32), normalised
net

# %% [markdown] tags=["en"]
# ## 1. The gradient of a logit
#
# Let $S_c(x)$ be the score of class $c$, the logit: what the last layer gives, before any softmax. Close to the picture $x$
# it is nearly linear,
#
# $$S_c(x + \delta) \approx S_c(x) + \sum_{k, u, v} \frac{\partial S_c}{\partial x_k(u, v)}\; \delta_k(u, v),$$
#
# so the gradient says how much the score would answer to a small change of each pixel (Simonyan, Vedaldi and Zisserman,
# *Deep Inside Convolutional Networks*, ICLR workshop 2014). Nothing is learnt here: the weights stay, and it is the
# picture that we differentiate by.
#
# **Predict.** Why the logit, and not the probability $p_c = \mathrm{softmax}(S)_c$? Think of a picture that the network is
# sure about.

# %% [markdown] tags=["fr"]
# ## 1. Le gradient d’un logit
#
# Soit $S_c(x)$ le score de la classe $c$, le logit : ce que donne la dernière couche, avant tout softmax. Près de l’image
# $x$, il est presque linéaire,
#
# $$S_c(x + \delta) \approx S_c(x) + \sum_{k, u, v} \frac{\partial S_c}{\partial x_k(u, v)}\; \delta_k(u, v),$$
#
# et le gradient dit donc à quel point le score répondrait à un petit changement de chaque pixel (Simonyan, Vedaldi et
# Zisserman, *Deep Inside Convolutional Networks*, atelier d’ICLR 2014). On n’apprend rien ici : les poids ne bougent pas, et
# c’est par rapport à l’image que l’on dérive.
#
# **Prédisez.** Pourquoi le logit, et non la probabilité $p_c = \mathrm{softmax}(S)_c$ ? Pensez à une image dont le réseau
# est sûr.

# %% [markdown] tags=["en"]
# <details><summary><b>Answer</b></summary>
#
# $\partial p_c / \partial x = p_c \sum_j p_j\, (\partial S_c / \partial x - \partial S_j / \partial x)$. Where $p_c$ is close
# to 1 all of it is close to 0, although the score still depends on the picture. And it mixes in the other classes: a
# probability also rises when another class loses.
#
# </details>
#
# Write `my_saliency`. Work on a copy of `x` that asks for its gradient, so that the caller's `x` stays as it is;
# `torch.autograd.grad(score, x)` gives the gradient of `x` alone and fills no `.grad` of the weights.

# %% [markdown] tags=["fr"]
# <details><summary><b>Réponse</b></summary>
#
# $\partial p_c / \partial x = p_c \sum_j p_j\, (\partial S_c / \partial x - \partial S_j / \partial x)$. Là où $p_c$ est proche
# de 1, tout cela est proche de 0, alors que le score dépend toujours de l’image. De plus, les autres classes s’y mêlent : une
# probabilité monte aussi quand une autre classe perd.
#
# </details>
#
# Écrivez `my_saliency`. Travaillez sur une copie de `x` qui demande son gradient, pour que le `x` de l’appelant reste tel
# quel ; `torch.autograd.grad(score, x)` ne donne que le gradient de `x` et ne remplit aucun `.grad` des poids.


# %% tags=["en", "answer:saliency"]
def my_saliency(module, x, target):
    """Gradient of the logit of class `target` at the input.

    x: (1, C, H, W); target: a class index. Returns a tensor of the shape of x.
    """
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    score = module(x)[0, target]
    return torch.autograd.grad(score, x)[0]
    ### END SOLUTION


# %% tags=["fr", "answer:saliency"]
def my_saliency(module, x, target):
    """Gradient du logit de la classe `target` à l’entrée.

    x : (1, C, H, W) ; target : un indice de classe. Rend un tenseur de la forme de x.
    """
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    score = module(x)[0, target]
    return torch.autograd.grad(score, x)[0]
    ### END SOLUTION


# %% tags=["test:saliency_test:3"]
print(labs.check_saliency(my_saliency))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_saliency(my_saliency, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# Now plug it into the widget. Left is ours, right is yours; its caption gives the largest difference and where it is. Change
# the class: your function is run again.

# %% [markdown] tags=["fr"]
# Branchez-la maintenant dans le widget. À gauche la nôtre, à droite la vôtre ; sa légende donne le plus grand écart et où il
# est. Changez de classe : votre fonction est exécutée de nouveau.

# %%
nnviz.Saliency(cifar, "cat", target="cat", rules=("vanilla",), method=my_saliency)

# %% [markdown] tags=["en"]
# ## 2. From a gradient to a picture
#
# A pixel has three gradients, one a colour, each with a sign. To draw one number a pixel, Simonyan et al. take
#
# $$M(u, v) = \max_{k}\, \left|\frac{\partial S_c}{\partial x_k(u, v)}\right|.$$
#
# **Predict.** The order matters. What would $\left|\max_k \partial S_c / \partial x_k\right|$ lose? And what would the sum
# over the colours lose?

# %% [markdown] tags=["fr"]
# ## 2. Du gradient à l’image
#
# Un pixel a trois gradients, un par couleur, chacun avec son signe. Pour ne dessiner qu’un nombre par pixel, Simonyan et al.
# prennent
#
# $$M(u, v) = \max_{k}\, \left|\frac{\partial S_c}{\partial x_k(u, v)}\right|.$$
#
# **Prédisez.** L’ordre compte. Que perdrait $\left|\max_k \partial S_c / \partial x_k\right|$ ? Et que perdrait la somme des
# couleurs ?


# %% tags=["en", "answer:magnitude"]
def my_magnitude(gradient):
    """Largest absolute value over the colours: (1, C, H, W) -> (H, W)."""
    ### BEGIN SOLUTION
    return gradient[0].abs().amax(0)
    ### END SOLUTION


# %% tags=["fr", "answer:magnitude"]
def my_magnitude(gradient):
    """La plus grande valeur absolue des couleurs : (1, C, H, W) -> (H, W)."""
    ### BEGIN SOLUTION
    return gradient[0].abs().amax(0)
    ### END SOLUTION


# %% tags=["test:magnitude_test:1"]
print(labs.check_magnitude(my_magnitude))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_magnitude(my_magnitude, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# Look at your own map, next to the picture. Each cell is one pixel.

# %% [markdown] tags=["fr"]
# Regardez votre propre carte, à côté de l’image. Chaque case est un pixel.

# %%
photo = x[0].permute(1, 2, 0)
photo = (photo - photo.min()) / (photo.max() - photo.min())
mine = my_magnitude(my_saliency(net, x, cifar.class_index("cat")))
_, axes = plt.subplots(1, 2, figsize=(6, 3))
for place, picture in zip(axes, (photo, mine), strict=True):
    place.imshow(picture)
    place.axis("off")

# %% [markdown] tags=["en"]
# ## 3. One neuron
#
# The score need not be a class. Take the value $a_k(r, c)$ of one neuron of some layer, and differentiate it by the picture:
# which pixels move this neuron? A *forward hook* hands you what a layer gives while the network runs:
#
# ```python
# handle = module.get_submodule(layer).register_forward_hook(hook)  # hook(module, input, output)
# ```
#
# It stays until `handle.remove()` is called. A forgotten hook goes on working in every later pass, so take it away in a
# `finally`, which runs even when the pass fails.
#
# **Predict.** `conv3` is three convolutions (7 × 7, 3 × 3, 3 × 3) and one pooling away from the picture. How large is the
# patch of pixels with a gradient other than 0?

# %% [markdown] tags=["fr"]
# ## 3. Un seul neurone
#
# Le score n’est pas forcément une classe. Prenez la valeur $a_k(r, c)$ d’un neurone d’une couche, et dérivez-la par rapport à
# l’image : quels pixels font bouger ce neurone ? Un *forward hook* (un crochet) vous remet ce que donne une couche pendant que
# le réseau s’exécute :
#
# ```python
# handle = module.get_submodule(layer).register_forward_hook(hook)  # hook(module, input, output)
# ```
#
# Il reste là jusqu’à l’appel de `handle.remove()`. Un crochet oublié continue d’agir à chaque passe suivante : ôtez-le donc
# dans un `finally`, qui s’exécute même si la passe échoue.
#
# **Prédisez.** Entre `conv3` et l’image, il y a trois convolutions (7 × 7, 3 × 3, 3 × 3) et une mise en commun (*pooling*).
# De quelle taille est le morceau d’image dont le gradient n’est pas nul ?


# %% tags=["en", "answer:neuron"]
def my_neuron_gradient(module, x, layer, channel, row, col):
    """Gradient at the input of one neuron: what `layer` gave at [0, channel, row, col].

    Leaves no hook behind, even when the network fails. Returns a tensor of the shape of x.
    """
    ### BEGIN SOLUTION
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, given, output: kept.append(output))
    x = x.detach().clone().requires_grad_()
    try:
        module(x)
    finally:
        handle.remove()
    return torch.autograd.grad(kept[0][0, channel, row, col], x)[0]
    ### END SOLUTION


# %% tags=["fr", "answer:neuron"]
def my_neuron_gradient(module, x, layer, channel, row, col):
    """Gradient à l’entrée d’un neurone : ce que `layer` a donné en [0, channel, row, col].

    Ne laisse aucun crochet, même si le réseau échoue. Rend un tenseur de la forme de x.
    """
    ### BEGIN SOLUTION
    kept = []
    handle = module.get_submodule(layer).register_forward_hook(lambda part, given, output: kept.append(output))
    x = x.detach().clone().requires_grad_()
    try:
        module(x)
    finally:
        handle.remove()
    return torch.autograd.grad(kept[0][0, channel, row, col], x)[0]
    ### END SOLUTION


# %% tags=["test:neuron_test:3"]
print(labs.check_neuron_gradient(my_neuron_gradient))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_neuron_gradient(my_neuron_gradient, seed=seed)
### END HIDDEN TESTS

# %%
gradient = my_neuron_gradient(net, x, "conv3", 12, 7, 9)
rows, cols = my_magnitude(gradient).nonzero().T
print(rows.min().item(), cols.min().item(), "-", rows.max().item(), cols.max().item())
print(cifar.receptive_field("conv3", 7, 9))

# %% [markdown] tags=["en"]
# The library found its rectangle by counting, you found yours by differentiating. In the widget, click any neuron of the
# large map.

# %% [markdown] tags=["fr"]
# La bibliothèque a trouvé son rectangle en comptant, vous le vôtre en dérivant. Dans le widget, cliquez sur n’importe quel
# neurone de la grande carte.

# %%
nnviz.Saliency(cifar, "cat", of="neuron", layer="conv3", channel=12, unit=(7, 9), rules=("vanilla", "guided"))

# %% [markdown] tags=["en"]
# ## 4. Three ways back through a ReLU
#
# A ReLU gives $\max(a, 0)$. Let $g$ be the gradient that arrives from above. What goes on down?
#
# - **vanilla**, the true gradient: $g \cdot [a > 0]$
# - **deconvnet** (Zeiler and Fergus, ECCV 2014): $g \cdot [g > 0]$
# - **guided** (Springenberg et al., ICLR workshop 2015): $g \cdot [a > 0] \cdot [g > 0]$
#
# The brackets are 1 where the condition holds, else 0. Only the first is the gradient of any function.
#
# **Predict.** At which of these four units do the rules differ: $(a, g) = (2, 3),\ (2, -3),\ (-2, 3),\ (-2, -3)$?

# %% [markdown] tags=["fr"]
# ## 4. Trois façons de repasser une ReLU
#
# Une ReLU donne $\max(a, 0)$. Soit $g$ le gradient qui arrive d’en haut. Qu’est-ce qui continue vers le bas ?
#
# - **vanilla**, le vrai gradient : $g \cdot [a > 0]$
# - **deconvnet** (Zeiler et Fergus, ECCV 2014) : $g \cdot [g > 0]$
# - **guided**, la rétropropagation guidée (Springenberg et al., atelier d’ICLR 2015) : $g \cdot [a > 0] \cdot [g > 0]$
#
# Les crochets valent 1 là où la condition est vraie, 0 sinon. Seule la première règle est le gradient d’une fonction.
#
# **Prédisez.** En lesquels de ces quatre neurones les règles diffèrent-elles : $(a, g) = (2, 3),\ (2, -3),\ (-2, 3),\ (-2, -3)$ ?


# %% tags=["en", "answer:relu_backward"]
def my_relu_backward(a, g, rule):
    """What a ReLU with input a passes down of the gradient g: tensors of one shape.

    rule: "vanilla", "deconvnet" or "guided".
    """
    ### BEGIN SOLUTION
    if rule in ("deconvnet", "guided"):
        g = g * (g > 0)
    if rule in ("vanilla", "guided"):
        g = g * (a > 0)
    return g
    ### END SOLUTION


# %% tags=["fr", "answer:relu_backward"]
def my_relu_backward(a, g, rule):
    """Ce qu’une ReLU d’entrée a laisse descendre du gradient g : des tenseurs de même forme.

    rule : "vanilla", "deconvnet" ou "guided".
    """
    ### BEGIN SOLUTION
    if rule in ("deconvnet", "guided"):
        g = g * (g > 0)
    if rule in ("vanilla", "guided"):
        g = g * (a > 0)
    return g
    ### END SOLUTION


# %% tags=["test:relu_backward_test:2"]
print(labs.check_relu_backward(my_relu_backward))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_relu_backward(my_relu_backward, seed=seed)
### END HIDDEN TESTS

# %%
a, g = torch.tensor([2.0, 2, -2, -2]), torch.tensor([3.0, -3, 3, -3])
for rule in ("vanilla", "deconvnet", "guided"):
    print(f"{rule:10}", my_relu_backward(a, g, rule).tolist())

# %% [markdown] tags=["en"]
# ## 5. The rule at every ReLU of a network
#
# A *full backward hook* on a module is called on the way back, and what it returns takes the place of the gradient that the
# module passes down:
#
# ```python
# def hook(relu, down, up):  # both are tuples: what the module passes down, and what came from above
#     return (new_down,)  # None leaves it as it is
#
# handle = relu.register_full_backward_hook(hook)
# ```
#
# In `down[0]` the mask $[a > 0]$ is applied already; in `up[0]` nothing is. So no activation has to be kept: which of the two
# do you need for deconvnet, and which for guided? Hang the hook on **every** `nn.ReLU` in `module.modules()`, and take all of
# them away again in a `finally`.

# %% [markdown] tags=["fr"]
# ## 5. La règle à chaque ReLU d’un réseau
#
# Un *full backward hook* posé sur un module est appelé au retour, et ce qu’il rend prend la place du gradient que le module
# fait descendre :
#
# ```python
# def hook(relu, down, up):  # both are tuples: what the module passes down, and what came from above
#     return (new_down,)  # None leaves it as it is
#
# handle = relu.register_full_backward_hook(hook)
# ```
#
# Dans `down[0]`, le masque $[a > 0]$ est déjà appliqué ; dans `up[0]`, rien ne l’est. Inutile donc de garder les
# activations : lequel des deux vous faut-il pour le *deconvnet*, lequel pour la règle guidée ? Posez le crochet sur
# **chaque** `nn.ReLU` de `module.modules()`, et ôtez-les tous dans un `finally`.


# %% tags=["en", "answer:rule_gradient"]
def my_rule_gradient(module, x, target, rule):
    """Gradient of the logit of class `target` at the input, with a rule at every nn.ReLU.

    rule: "vanilla", "deconvnet" or "guided". Leaves the module as it was.
    """

    ### BEGIN SOLUTION
    def hook(relu, down, up):
        if rule == "vanilla":
            return None
        return ((up if rule == "deconvnet" else down)[0].clamp(min=0),)

    relus = [part for part in module.modules() if isinstance(part, nn.ReLU)]
    handles = [relu.register_full_backward_hook(hook) for relu in relus]
    try:
        return my_saliency(module, x, target)
    finally:
        for handle in handles:
            handle.remove()
    ### END SOLUTION


# %% tags=["fr", "answer:rule_gradient"]
def my_rule_gradient(module, x, target, rule):
    """Gradient du logit de la classe `target` à l’entrée, avec une règle à chaque nn.ReLU.

    rule : "vanilla", "deconvnet" ou "guided". Laisse le module comme il était.
    """

    ### BEGIN SOLUTION
    def hook(relu, down, up):
        if rule == "vanilla":
            return None
        return ((up if rule == "deconvnet" else down)[0].clamp(min=0),)

    relus = [part for part in module.modules() if isinstance(part, nn.ReLU)]
    handles = [relu.register_full_backward_hook(hook) for relu in relus]
    try:
        return my_saliency(module, x, target)
    finally:
        for handle in handles:
            handle.remove()
    ### END SOLUTION


# %% tags=["test:rule_gradient_test:4"]
print(labs.check_rule_gradient(my_rule_gradient))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_rule_gradient(my_rule_gradient, seed=seed)
### END HIDDEN TESTS


# %%
def my_guided(module, x, target):
    return my_rule_gradient(module, x, target, "guided")


nnviz.Saliency(cifar, "cat", target="cat", rules=("guided",), method=my_guided)


# %%
def my_deconvnet(module, x, target):
    return my_rule_gradient(module, x, target, "deconvnet")


nnviz.Saliency(cifar, "cat", target="cat", rules=("deconvnet",), method=my_deconvnet)

# %% [markdown] tags=["en"]
# ## 6. Explore
#
# **Predict.** Here are the three rules on a network for photos. Which of the three pictures will you like best? And which of
# them will change when you ask about another class?

# %% [markdown] tags=["fr"]
# ## 6. Explorez
#
# **Prédisez.** Voici les trois règles sur un réseau fait pour des photos. Laquelle des trois images vous plaira le plus ? Et
# lesquelles changeront si vous demandez une autre classe ?

# %%
imagenet = nnviz.load()
nnviz.Saliency(imagenet, "cat")

# %% [markdown] tags=["en"]
# 1. Ask about three very different classes, and watch the guided picture.
# 2. Open "More" and move the sanity check: it draws the weights anew, from the last layer down (Adebayo et al., *Sanity
#    Checks for Saliency Maps*, NeurIPS 2018). How many layers must be destroyed until a picture changes?
# 3. Plug `my_guided` into this widget: `nnviz.Saliency(imagenet, "cat", rules=("guided",), method=my_guided)`. It differs,
#    although the check passed. Look at `imagenet.plain_copy()`: what kind of ReLU does this network have?
#
# <details><summary><b>Answer</b></summary>
#
# The guided picture is the sharpest and hardly changes with the class; it survives the loss of many layers. It rather redraws
# the edges that the network passes on than explains a class. The network has `nn.ReLU6`, which is no `nn.ReLU`: your hooks
# found nothing to hang on, and your function gave the vanilla gradient without a word. Good code counts what it has found.
#
# </details>

# %% [markdown] tags=["fr"]
# 1. Demandez trois classes très différentes, et observez l’image guidée.
# 2. Ouvrez « Plus » et déplacez le test de cohérence : il tire les poids au hasard, à partir de la dernière couche (Adebayo
#    et al., *Sanity Checks for Saliency Maps*, NeurIPS 2018). Combien de couches faut-il détruire pour qu’une image change ?
# 3. Branchez `my_guided` dans ce widget : `nnviz.Saliency(imagenet, "cat", rules=("guided",), method=my_guided)`. Elle
#    diffère, alors que la vérification a réussi. Regardez `imagenet.plain_copy()` : quelle sorte de ReLU ce réseau a-t-il ?
#
# <details><summary><b>Réponse</b></summary>
#
# L’image guidée est la plus nette et change à peine avec la classe ; elle survit à la perte de bien des couches. Elle redessine
# les contours que le réseau laisse passer plutôt qu’elle n’explique une classe. Le réseau a des `nn.ReLU6`, qui ne sont pas des
# `nn.ReLU` : vos crochets n’ont rien trouvé où se poser, et votre fonction a donné sans un mot le gradient vanilla. Un bon
# code compte ce qu’il a trouvé.
#
# </details>

# %% [markdown] tags=["en"]
# ## 7. In your own words
#
# A colleague shows you a guided picture and says: "See, the network recognises the cat by its eyes." In five lines or so: what
# would you ask for before you believe it? Refer to something that you have seen above.

# %% [markdown] tags=["fr"]
# ## 7. En vos propres mots
#
# Un collègue vous montre une image guidée et dit : « Tu vois, le réseau reconnaît le chat à ses yeux. » En cinq lignes environ :
# que demanderiez-vous avant de le croire ? Appuyez-vous sur quelque chose que vous avez vu plus haut.

# %% [markdown] tags=["en", "question:believe:2"]
# Another class's picture beside it, for a guided one hardly depends on the class. The same picture after the last layers are
# drawn anew: if it stays, it does not show what was learnt. And a test that changes the picture, such as hiding the eyes and
# looking at the logit: a gradient says what a tiny change would do, not what the eyes are worth.

# %% [markdown] tags=["fr", "question:believe:2"]
# L’image d’une autre classe à côté, car l’image guidée dépend à peine de la classe. La même image après avoir tiré au hasard les
# dernières couches : si elle reste, elle ne montre pas ce qui a été appris. Et un essai qui change l’image, comme de cacher les
# yeux en regardant le logit : un gradient dit ce que ferait un changement infime, non ce que valent les yeux.

# %% [markdown] tags=["en"]
# ## What you have now
#
# - The gradient at the input is one pass forward and one back; the logit, not the probability, and nothing of the network
#   changed.
# - The same code looks at one neuron: only the score is another.
# - Deconvnet and guided change one line at each ReLU. The picture becomes clearer, and is no longer the gradient of anything.
#
# Next: Grad-CAM takes the gradient at a layer in place of the input, and asks where, not which pixel.

# %% [markdown] tags=["fr"]
# ## Ce que vous avez maintenant
#
# - Le gradient à l’entrée coûte une passe avant et une passe arrière ; celui du logit, non de la probabilité, et rien du réseau
#   n’a changé.
# - Le même code regarde un seul neurone : il n’y a que le score qui change.
# - Le *deconvnet* et la règle guidée changent une ligne à chaque ReLU. L’image devient plus claire, et n’est plus le gradient de
#   quoi que ce soit.
#
# Ensuite : Grad-CAM prend le gradient à une couche plutôt qu’à l’entrée, et demande où, non quel pixel.
