# %% [markdown] tags=["en"]
# # Lab 5: activation maximisation and its priors
#
# **About 90 minutes.** At the end you will be able to
#
# - let a picture grow that a class likes best, with frozen weights, and say what is differentiated by what;
# - write the priors that make such a picture readable: L2 decay, Gaussian blur, clipping of small norms, jitter;
# - tell what each of them does to the picture and to the score.
#
# You write plain PyTorch. After each function a cell checks it and says in words what is wrong; the widget then runs
# your step beside the reference's, from the same first picture. Write only where it says so, and do not change the names
# of the functions.

# %% [markdown] tags=["fr"]
# # TP 5 : la maximisation d’activation et ses a priori
#
# **Environ 90 minutes.** À la fin, vous saurez
#
# - faire croître une image que préfère une classe, à poids gelés, et dire ce que l’on dérive, et par rapport à quoi ;
# - écrire les a priori qui rendent une telle image lisible : atténuation L2, flou gaussien, coupe des petites normes,
#   décalage aléatoire ;
# - dire ce que chacun fait à l’image et au score.
#
# Vous écrivez du PyTorch ordinaire. Après chaque fonction, une cellule la vérifie et dit en mots ce qui ne va pas ; le
# widget fait ensuite tourner votre pas à côté de celui de la référence, depuis la même image. N’écrivez que là où c’est
# indiqué, et ne changez pas le nom des fonctions.

# %%
import nnviz_widgets as nnviz
from nnviz_widgets import labs

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
import matplotlib.pyplot as plt
import torch
import torch.nn.functional as F
from PIL import Image

cifar = nnviz.load("cifar_net")
net = cifar.plain_copy()
cifar.labels


# %%
def show(*xs, side=256):
    pictures = [cifar.contract.picture(x) for x in xs]
    sheet = Image.new("RGB", (len(xs) * (side + 8) - 8, side), "white")
    for number, picture in enumerate(pictures):
        sheet.paste(Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST), (number * (side + 8), 0))
    return sheet


# %% [markdown] tags=["en"]
# ## 1. The question, and a formula
#
# What does a network expect of a ship? Take any picture $x$, for a start a flat grey one, and change its pixels so that
# the score $S_c$ of the class rises. The weights are frozen; what is differentiated by is the picture. Simonyan et al.
# (ICLR workshop 2014) keep it small by a penalty on its squared norm:
#
# $$x^* = \arg\max_x \; S_c(x) - \lambda \lVert x \rVert^2, \qquad x \leftarrow x + \eta \left( \frac{\partial S_c}{\partial x} - 2 \lambda x \right).$$
#
# $S_c$ is the logit, before the softmax. $x$ is normalised: 0 is the mean colour of the photos that the network learnt
# from.
#
# **Predict before you run.**
#
# 1. Training also follows a gradient. Which two things are exchanged here, and why is there a plus?
# 2. What does the penalty alone, without any score, do to the picture at each step?
# 3. From which $\eta$ on does it make the picture explode?
#
# <details><summary>Answers</summary>
#
# 1. There the picture is fixed and the weights move, downhill on a loss; here the weights are fixed and the picture
#    moves, uphill on a score.
# 2. $x \leftarrow (1 - 2 \eta \lambda)\, x$: it fades to the mean colour by the same share at each step.
# 3. Where $|1 - 2 \eta \lambda| > 1$, so from $\eta = 1 / \lambda$ on.
# </details>

# %% [markdown] tags=["fr"]
# ## 1. La question, et une formule
#
# Qu’attend un réseau d’un bateau ? Prenez une image $x$, pour commencer toute grise, et changez ses pixels de sorte que
# le score $S_c$ de la classe monte. Les poids sont gelés ; c’est par rapport à l’image que l’on dérive. Simonyan et al.
# (atelier d’ICLR 2014) la gardent petite par une pénalité sur le carré de sa norme :
#
# $$x^* = \arg\max_x \; S_c(x) - \lambda \lVert x \rVert^2, \qquad x \leftarrow x + \eta \left( \frac{\partial S_c}{\partial x} - 2 \lambda x \right).$$
#
# $S_c$ est le logit, avant le softmax. $x$ est normalisée : 0 est la couleur moyenne des photos que le réseau a apprises.
#
# **Prédisez avant d’exécuter.**
#
# 1. L’apprentissage suit aussi un gradient. Quelles deux choses échange-t-on ici, et pourquoi un plus ?
# 2. Que fait à l’image, à chaque pas, la pénalité seule, sans aucun score ?
# 3. À partir de quel $\eta$ la fait-elle exploser ?
#
# <details><summary>Réponses</summary>
#
# 1. Là-bas, l’image est fixe et les poids bougent, en descendant une perte ; ici, les poids sont fixes et l’image bouge,
#    en montant un score.
# 2. $x \leftarrow (1 - 2 \eta \lambda)\, x$ : elle s’efface vers la couleur moyenne, de la même part à chaque pas.
# 3. Quand $|1 - 2 \eta \lambda| > 1$, donc à partir de $\eta = 1 / \lambda$.
# </details>

# %% [markdown] tags=["en"]
# ## 2. One step
#
# Write the step. It gets `x`, `(1, C, h, w)`, and returns the next picture: a new tensor, detached, while the `x` that it
# was given stays as it was, and so do the weights, their `.grad` and the mode of the module.

# %% [markdown] tags=["fr"]
# ## 2. Un pas
#
# Écrivez le pas. Il reçoit `x`, `(1, C, h, w)`, et rend l’image suivante : un nouveau tenseur, détaché. Le `x` reçu reste
# tel quel, tout comme les poids, leur `.grad` et le mode du module.


# %% tags=["en", "answer:ascent_step"]
def ascent_step(module, x, target, step_size, l2):
    """The next picture: x + step_size (g - 2 l2 x), g the gradient of logit `target`."""
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(module(x)[0, target], x)
    x = x.detach()
    return x + step_size * (g - 2 * l2 * x)
    ### END SOLUTION


# %% tags=["fr", "answer:ascent_step"]
def ascent_step(module, x, target, step_size, l2):
    """L’image suivante : x + step_size (g - 2 l2 x), g étant le gradient du logit `target`."""
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    (g,) = torch.autograd.grad(module(x)[0, target], x)
    x = x.detach()
    return x + step_size * (g - 2 * l2 * x)
    ### END SOLUTION


# %% tags=["test:ascent_step_test:4"]
print(labs.check_ascent_step(ascent_step))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_ascent_step(ascent_step, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# In the widget your step runs beside the reference's, and the caption compares one step of it from the same picture.
# Values are given by name: `step_size` and `l2` are those of its sliders, move them while it runs.

# %% [markdown] tags=["fr"]
# Dans le widget, votre pas tourne à côté de celui de la référence, et la légende en compare un, fait depuis la même image.
# Les valeurs lui sont données par leur nom : `step_size` et `l2` sont celles des curseurs ; bougez-les pendant la montée.

# %%
nnviz.Ascent(cifar, preset="Simonyan", target="ship", steps=64, method=ascent_step)

# %% [markdown] tags=["en"]
# ## 3. The whole way up
#
# Write the loop: `steps` steps from `x` on. Return the last picture and the list of the logits of class `target`, of the
# first picture and after each step: `steps + 1` plain numbers (`.item()`).
#
# **Predict.** Does the logit rise at every step? And without bound?
#
# <details><summary>Answer</summary>
#
# A gradient promises a rise only for small enough steps; a large one may overshoot. Without penalty the logit of such a
# network grows without bound, for behind ReLUs it grows about as the picture does; with it, it ends where both forces
# balance.
# </details>

# %% [markdown] tags=["fr"]
# ## 3. Toute la montée
#
# Écrivez la boucle : `steps` pas à partir de `x`. Rendez la dernière image et la liste des logits de la classe `target`,
# celui de la première image puis celui d’après chaque pas : `steps + 1` simples nombres (`.item()`).
#
# **Prédisez.** Le logit monte-t-il à chaque pas ? Et sans limite ?
#
# <details><summary>Réponse</summary>
#
# Un gradient ne promet de monter que pour des pas assez petits ; un grand pas peut dépasser le sommet. Sans pénalité, le
# logit d’un tel réseau croît sans limite, car derrière des ReLU il grandit à peu près comme l’image ; avec elle, il
# s’arrête là où les deux forces s’équilibrent.
# </details>


# %% tags=["en", "answer:climb"]
def climb(module, x, target, steps, step_size, l2):
    """(x, scores) after so many steps."""
    ### BEGIN SOLUTION
    scores = [module(x)[0, target].item()]
    for _ in range(steps):
        x = ascent_step(module, x, target, step_size, l2)
        scores.append(module(x)[0, target].item())
    return x, scores
    ### END SOLUTION


# %% tags=["fr", "answer:climb"]
def climb(module, x, target, steps, step_size, l2):
    """(x, scores) après tant de pas."""
    ### BEGIN SOLUTION
    scores = [module(x)[0, target].item()]
    for _ in range(steps):
        x = ascent_step(module, x, target, step_size, l2)
        scores.append(module(x)[0, target].item())
    return x, scores
    ### END SOLUTION


# %% tags=["test:climb_test:4"]
print(labs.check_climb(climb))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_climb(climb, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# A ship from grey, under three penalties. What does the score say, and what do your eyes?

# %% [markdown] tags=["fr"]
# Un bateau à partir du gris, sous trois pénalités. Que dit le score, et que disent vos yeux ?

# %%
ship = cifar.class_index("ship")
grey = torch.zeros(1, 3, 32, 32)
runs = {l2: climb(net, grey, ship, 60, 0.3, l2) for l2 in (0.0, 0.02, 0.2)}
for l2, (_, scores) in runs.items():
    plt.plot(scores, label=f"λ = {l2}")
plt.legend()
show(*(x for x, _ in runs.values()))

# %% [markdown] tags=["en"]
# ## 4. A blur
#
# High frequencies cost nothing and excite much: the picture fills with grain. Yosinski et al. (ICML workshop 2015)
# smooth it every few steps with a Gaussian, $k_d \propto e^{-d^2 / (2 \sigma^2)}$. Write the blur: the kernel reaches
# `int(4 * sigma + 0.5)` pixels to each side and sums to 1; each channel is blurred by itself; beyond the border stands
# the border's value (`F.pad(..., mode="replicate")`). A Gaussian is separable: along the rows, then along the columns.

# %% [markdown] tags=["fr"]
# ## 4. Un flou
#
# Les hautes fréquences ne coûtent rien et excitent beaucoup : l’image se remplit de grain. Yosinski et al. (atelier
# d’ICML 2015) la lissent tous les quelques pas par une gaussienne, $k_d \propto e^{-d^2 / (2 \sigma^2)}$. Écrivez ce flou : le
# noyau va jusqu’à `int(4 * sigma + 0.5)` pixels de chaque côté et sa somme est 1 ; chaque canal est flouté à part ; au-delà
# du bord, on prolonge la valeur du bord (`F.pad(..., mode="replicate")`). Une gaussienne est séparable : le long des
# lignes, puis le long des colonnes.


# %% tags=["en", "answer:blur"]
def blur(x, sigma):
    """x (1, C, h, w), each channel blurred by a Gaussian of `sigma` pixels."""
    ### BEGIN SOLUTION
    radius = int(4 * sigma + 0.5)
    d = torch.arange(-radius, radius + 1, dtype=x.dtype)
    kernel = torch.exp(-(d**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    maps = F.pad(x.transpose(0, 1), [radius] * 4, mode="replicate")
    maps = F.conv2d(F.conv2d(maps, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
    return maps.transpose(0, 1)
    ### END SOLUTION


# %% tags=["fr", "answer:blur"]
def blur(x, sigma):
    """x (1, C, h, w), chaque canal flouté par une gaussienne de `sigma` pixels."""
    ### BEGIN SOLUTION
    radius = int(4 * sigma + 0.5)
    d = torch.arange(-radius, radius + 1, dtype=x.dtype)
    kernel = torch.exp(-(d**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    maps = F.pad(x.transpose(0, 1), [radius] * 4, mode="replicate")
    maps = F.conv2d(F.conv2d(maps, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
    return maps.transpose(0, 1)
    ### END SOLUTION


# %% tags=["test:blur_test:3"]
print(labs.check_blur(blur))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_blur(blur, seed=seed)
### END HIDDEN TESTS

# %%
cat = cifar.prepare(nnviz.sample("cat"))
show(cat, blur(cat, 0.8), blur(cat, 2.0))

# %% [markdown] tags=["en"]
# ## 5. Small norms
#
# Most pixels of such a picture do little; set them to the mean colour, and what is left is what counts. Per pixel, take
# the norm over its channels; pixels whose norm lies below the given percentile (0 to 100) of *all* pixels' norms become 0
# in all channels. `torch.quantile` takes a share from 0 to 1.

# %% [markdown] tags=["fr"]
# ## 5. Les petites normes
#
# La plupart des pixels d’une telle image font peu de chose ; ramenez-les à la couleur moyenne, et il reste ce qui compte.
# Pour chaque pixel, prenez la norme sur ses canaux ; les pixels dont la norme est au-dessous du centile donné (de 0 à
# 100) des normes de *tous* les pixels deviennent 0 dans tous les canaux. `torch.quantile` prend une part de 0 à 1.


# %% tags=["en", "answer:drop_small_norms"]
def drop_small_norms(x, percentile):
    """x (1, C, h, w), its pixels of small norm set to 0."""
    ### BEGIN SOLUTION
    norms = x.norm(dim=1, keepdim=True)
    return x * (norms >= torch.quantile(norms, percentile / 100))
    ### END SOLUTION


# %% tags=["fr", "answer:drop_small_norms"]
def drop_small_norms(x, percentile):
    """x (1, C, h, w), ses pixels de petite norme mis à 0."""
    ### BEGIN SOLUTION
    norms = x.norm(dim=1, keepdim=True)
    return x * (norms >= torch.quantile(norms, percentile / 100))
    ### END SOLUTION


# %% tags=["test:drop_small_norms_test:3"]
print(labs.check_small_norms(drop_small_norms))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_small_norms(drop_small_norms, seed=seed)
### END HIDDEN TESTS

# %%
show(cat, drop_small_norms(cat, 50), drop_small_norms(cat, 90))

# %% [markdown] tags=["en"]
# ## 6. The whole recipe
#
# Now one step with all of it, in this order: your ascent step; then, where `step % every` is 0, the blur (`step` is how
# many steps came before, so the very first one blurs, as in the authors' tool box); then small norms are dropped.
#
# **Predict.** What becomes of a blurred picture if small norms are dropped *before* the blur?
#
# <details><summary>Answer</summary>
#
# The blur smears its neighbours' colours over every pixel that was set to 0, and the flat areas are gone again.
# </details>

# %% [markdown] tags=["fr"]
# ## 6. Toute la recette
#
# Voici un pas avec le tout, dans cet ordre : votre pas de montée ; puis, là où `step % every` vaut 0, le flou (`step` est
# le nombre de pas déjà faits ; le tout premier floute donc, comme dans l’outil des auteurs) ; enfin, on ôte les petites
# normes.
#
# **Prédisez.** Que devient une image si l’on ôte les petites normes *avant* de flouter ?
#
# <details><summary>Réponse</summary>
#
# Le flou étale les couleurs des voisins sur chaque pixel mis à 0, et les aplats disparaissent de nouveau.
# </details>


# %% tags=["en", "answer:prior_step"]
def prior_step(module, x, target, step, step_size, l2, sigma, every, small_norm):
    """The next picture: ascent step, blur every so many steps, small norms dropped."""
    ### BEGIN SOLUTION
    x = ascent_step(module, x, target, step_size, l2)
    if step % every == 0:
        x = blur(x, sigma)
    return drop_small_norms(x, small_norm)
    ### END SOLUTION


# %% tags=["fr", "answer:prior_step"]
def prior_step(module, x, target, step, step_size, l2, sigma, every, small_norm):
    """L’image suivante : pas de montée, flou tous les tant de pas, petites normes ôtées."""
    ### BEGIN SOLUTION
    x = ascent_step(module, x, target, step_size, l2)
    if step % every == 0:
        x = blur(x, sigma)
    return drop_small_norms(x, small_norm)
    ### END SOLUTION


# %% tags=["test:prior_step_test:4"]
print(labs.check_prior_step(prior_step))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_prior_step(prior_step, seed=seed)
### END HIDDEN TESTS

# %%
priors = {"l2": 0.01, "sigma": 0.6, "every": 4, "small_norm": 30}
nnviz.Ascent(cifar, preset="Simonyan", target="ship", steps=96, **priors, method=prior_step)

# %% [markdown] tags=["en"]
# ## 7. Jitter
#
# One more, which has become the most common (Mordvintsev et al. 2015; Olah et al. 2017): before the network looks, the
# picture is shifted by a few random pixels, and the gradient is shifted back. What excites only at one exact place
# averages out. Write the gradient of logit `target` as the network sees `x` rolled by `down` and `right` pixels
# (`torch.roll`), brought back to where the pixels of `x` lie.

# %% [markdown] tags=["fr"]
# ## 7. Le décalage
#
# Un dernier a priori, devenu le plus courant (Mordvintsev et al. 2015 ; Olah et al. 2017) : avant que le réseau ne
# regarde, l’image est décalée de quelques pixels au hasard, et le gradient est ramené. Ce qui n’excite qu’en un endroit
# exact s’annule en moyenne. Écrivez le gradient du logit `target` tel que le réseau voit `x` décalée de `down` pixels vers
# le bas et de `right` vers la droite (`torch.roll`), ramené là où sont les pixels de `x`.


# %% tags=["en", "answer:jittered_gradient"]
def jittered_gradient(module, x, target, down, right):
    """Gradient of logit `target` at x, as seen through a shift; like x."""
    ### BEGIN SOLUTION
    rolled = x.detach().roll((down, right), (2, 3)).requires_grad_()
    (g,) = torch.autograd.grad(module(rolled)[0, target], rolled)
    return g.roll((-down, -right), (2, 3))
    ### END SOLUTION


# %% tags=["fr", "answer:jittered_gradient"]
def jittered_gradient(module, x, target, down, right):
    """Gradient du logit `target` en x, vu à travers un décalage ; comme x."""
    ### BEGIN SOLUTION
    rolled = x.detach().roll((down, right), (2, 3)).requires_grad_()
    (g,) = torch.autograd.grad(module(rolled)[0, target], rolled)
    return g.roll((-down, -right), (2, 3))
    ### END SOLUTION


# %% tags=["test:jittered_gradient_test:3"]
print(labs.check_jitter(jittered_gradient))
### BEGIN HIDDEN TESTS
for seed in (1, 2):
    labs.check_jitter(jittered_gradient, seed=seed)
### END HIDDEN TESTS

# %% [markdown] tags=["en"]
# The same ship, without jitter and with up to 4 pixels of it. The random shifts are yours, so there is no reference to
# be equal to: look.

# %% [markdown] tags=["fr"]
# Le même bateau, sans décalage et avec jusqu’à 4 pixels. Les décalages sont tirés par vous, il n’y a donc pas de
# référence à égaler : regardez.

# %%
torch.manual_seed(0)
grown = []
for most in (0, 4):
    x = grey
    for _ in range(120):
        down, right = torch.randint(-most, most + 1, (2,)).tolist()
        x = x + 0.3 * (jittered_gradient(net, x, ship, down, right) - 2 * 0.02 * x)
    grown.append(x)
show(*grown)

# %% [markdown] tags=["en"]
# ## 8. Explore
#
# The published recipes side by side, from the same noise. Which raises the logit most, and which would you show to
# somebody? Then the large network: its pictures take longer, and show more.

# %% [markdown] tags=["fr"]
# ## 8. Explorez
#
# Les recettes publiées côte à côte, depuis le même bruit. Laquelle monte le plus haut, et laquelle montreriez-vous à
# quelqu’un ? Ensuite, le grand réseau : ses images prennent plus de temps, et montrent davantage.

# %%
nnviz.AscentColumns(cifar, target="ship", steps=96)

# %%
imagenet = nnviz.load()
nnviz.Ascent(imagenet, target="flamingo", size=128, steps=96)

# %% [markdown] tags=["en", "question:score_and_eyes:2"]
# ## 9. In your own words
#
# Without priors the score is highest and there is nothing to see. What does that say of the network, and what of the
# picture with priors: is it "what the network thinks a ship looks like"? Three to five sentences; name two runs that you
# compared, with their scores.
#
# ### BEGIN SOLUTION
# The score rewards many pictures that no one would call a ship: faint grain of high frequency that fits the filters
# raises the logit more than any real photo does. The network has learnt to tell classes of photos apart, not to refuse
# what is no photo. A prior chooses among all pictures with a high score those that look like photos; so the result shows
# what the network likes *under this prior*, and shape, colour and smoothness come in part from us. Another prior or seed
# gives another picture, so none should be shown alone.
# ### END SOLUTION

# %% [markdown] tags=["fr", "question:score_and_eyes:2"]
# ## 9. Avec vos mots
#
# Sans a priori, le score est le plus haut et il n’y a rien à voir. Qu’est-ce que cela dit du réseau, et qu’en est-il de
# l’image avec a priori : est-ce « ce à quoi ressemble un bateau pour le réseau » ? Trois à cinq phrases ; nommez deux
# montées que vous avez comparées, avec leurs scores.
#
# ### BEGIN SOLUTION
# Le score récompense bien des images que personne n’appellerait un bateau : un grain ténu de haute fréquence, accordé aux
# filtres, fait monter le logit plus que n’importe quelle vraie photo. Le réseau a appris à distinguer des classes de
# photos, non à refuser ce qui n’en est pas une. Un a priori choisit, parmi toutes les images au score élevé, celles qui
# ressemblent à des photos ; le résultat montre donc ce que le réseau préfère *sous cet a priori*, et la forme, la couleur
# et la douceur viennent en partie de nous. Un autre a priori ou une autre graine donne une autre image : on n’en montre
# jamais une seule.
# ### END SOLUTION

# %% [markdown] tags=["en"]
# ## What to take home
#
# - Training moves the weights down a loss; activation maximisation moves the picture up a score.
# - Raise the logit. A probability also rises by pushing the others down.
# - Priors do not raise the score, they make the picture readable, and they put something of ours into it.
#
# Simonyan, Vedaldi & Zisserman, *Deep Inside Convolutional Networks*, ICLR workshop 2014. Yosinski et al.,
# *Understanding Neural Networks Through Deep Visualization*, ICML workshop 2015. Olah, Mordvintsev & Schubert, *Feature
# Visualization*, Distill 2017.

# %% [markdown] tags=["fr"]
# ## À retenir
#
# - L’apprentissage fait descendre une perte aux poids ; la maximisation d’activation fait monter un score à l’image.
# - Faites monter le logit. Une probabilité monte aussi quand on fait baisser les autres.
# - Les a priori ne font pas monter le score : ils rendent l’image lisible, et y mettent quelque chose de nous.
#
# Simonyan, Vedaldi & Zisserman, *Deep Inside Convolutional Networks*, atelier d’ICLR 2014. Yosinski et al.,
# *Understanding Neural Networks Through Deep Visualization*, atelier d’ICML 2015. Olah, Mordvintsev & Schubert, *Feature
# Visualization*, Distill 2017.
