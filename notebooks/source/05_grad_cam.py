# %% [markdown] tags=["en"]
# # Grad-CAM
#
# `nnviz.GradCam` shows where in a picture a layer finds what speaks for a class (Selvaraju et al., ICCV 2017). The maps
# $a_k$ of the layer, of $h \times w$ neurons, are added up with weights $\alpha_k$, and the positive part is kept:
#
# $$\alpha_k = \frac{1}{h w} \sum_{u, v} \frac{\partial S_c}{\partial a_k(u, v)}, \qquad L_c(u, v) = \max\Big(0,\; \sum_k \alpha_k\, a_k(u, v)\Big).$$
#
# The [tour](00_tour.ipynb) tells the story; this page is for those who want to use the widget.

# %% [markdown] tags=["fr"]
# # Grad-CAM
#
# `nnviz.GradCam` montre où, dans une image, une couche trouve ce qui plaide pour une classe (Selvaraju et al., ICCV
# 2017). Les cartes $a_k$ de la couche, de $h \times w$ neurones, sont additionnées avec des poids $\alpha_k$, et on
# garde la partie positive :
#
# $$\alpha_k = \frac{1}{h w} \sum_{u, v} \frac{\partial S_c}{\partial a_k(u, v)}, \qquad L_c(u, v) = \max\Big(0,\; \sum_k \alpha_k\, a_k(u, v)\Big).$$
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
# Below the photo stand the most probable classes: click one to ask about it. Point at a map to read its values.

# %% [markdown] tags=["fr"]
# ## Le widget
#
# Sous la photo, les classes les plus probables : cliquez sur l’une d’elles pour l’interroger. Pointez un endroit d’une
# carte pour en lire la valeur.

# %%
nnviz.GradCam(imagenet, "astronaut", target="space shuttle", second="wig")

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Picture | `photo` | a sample, a path, a PIL image, an array, a tensor, or the camera |
# | Layer | `layer` | whose maps are added up; at first the last one that still has places |
# | Class | `target` | name or index; empty (`None`) for the most probable one |
# | Compare with | `second` | a second class, on the same scale |
# | Minus class | `against` | a class whose score is taken away |
# | Method | `variant` | how the maps are weighed, see below |
# | Overlay | `overlay` | from 0 to 1: how strongly the map lies over the photo |
# | Guided | `guided` | guided Grad-CAM beside it: guided backpropagation times the map |
# | | `method` | your own function |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Image | `photo` | un exemple, un chemin, une image PIL, un tableau, un tenseur, ou la caméra |
# | Couche | `layer` | celle dont on additionne les cartes ; au départ, la dernière qui a encore des endroits |
# | Classe | `target` | nom ou indice ; vide (`None`) pour la plus probable |
# | Comparer à | `second` | une seconde classe, à la même échelle |
# | Moins la classe | `against` | une classe dont on retranche le score |
# | Méthode | `variant` | comment les cartes sont pondérées, voir plus bas |
# | Superposition | `overlay` | de 0 à 1 : à quel point la carte recouvre la photo |
# | Guidée | `guided` | Grad-CAM guidée à côté : la rétropropagation guidée multipliée par la carte |
# | | `method` | votre propre fonction |

# %% [markdown] tags=["en"]
# The variants differ in their weights. With $g = \partial S_c / \partial a$:
#
# | `variant` | weights | paper |
# |---|---|---|
# | `"grad_cam"` | mean of $g_k$ over space | Selvaraju et al., ICCV 2017 |
# | `"grad_cam++"` | $g_k$ where positive, weighed by its higher powers | Chattopadhay et al., WACV 2018 |
# | `"xgrad_cam"` | mean of $g_k$, weighed by $a_k$ | Fu et al., BMVC 2020 |
# | `"layer_cam"` | $g_k$ where positive, at each place | Jiang et al., TIP 2021 |
# | `"eigen_cam"` | none: the first principal component of the maps, whatever the class | Muhammad and Yeasin, IJCNN 2020 |
# | `"score_cam"` | what the score gains when map $k$ masks the photo: a pass a channel | Wang et al., CVPR workshops 2020 |
# | `"ablation_cam"` | what the score loses without map $k$: a pass a channel | Desai and Ramaswamy, WACV 2020 |

# %% [markdown] tags=["fr"]
# Les variantes diffèrent par leurs poids. Avec $g = \partial S_c / \partial a$ :
#
# | `variant` | poids | article |
# |---|---|---|
# | `"grad_cam"` | moyenne spatiale de $g_k$ | Selvaraju et al., ICCV 2017 |
# | `"grad_cam++"` | $g_k$ là où il est positif, pondéré par ses puissances | Chattopadhay et al., WACV 2018 |
# | `"xgrad_cam"` | moyenne de $g_k$, pondérée par $a_k$ | Fu et al., BMVC 2020 |
# | `"layer_cam"` | $g_k$ là où il est positif, en chaque endroit | Jiang et al., TIP 2021 |
# | `"eigen_cam"` | aucun : la première composante principale des cartes, quelle que soit la classe | Muhammad et Yeasin, IJCNN 2020 |
# | `"score_cam"` | ce que le score gagne quand la carte $k$ masque la photo : une passe par canal | Wang et al., ateliers de CVPR 2020 |
# | `"ablation_cam"` | ce que le score perd sans la carte $k$ : une passe par canal | Desai et Ramaswamy, WACV 2020 |

# %% [markdown] tags=["en"]
# ## From code
#
# Traits are set in the constructor or later; `compute()` waits for the result, (classes asked about, 1, height, width),
# and returns it; `save` writes what is seen.

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# Les traits se règlent dès la construction ou plus tard ; `compute()` attend le résultat, (classes demandées, 1,
# hauteur, largeur), et le rend ; `save` enregistre ce qu’on voit.

# %%
view = nnviz.GradCam(imagenet, "rocket", target="missile", second="crane")
view.layer = "stage5"
view.compute().shape, view.save("rocket.png")

# %% [markdown] tags=["en"]
# Without a widget, the objective is a value that can be subtracted. Where is what speaks for "missile" rather than
# "crane"? And since this network ends in an average and one linear layer, the maps of all 1000 classes are one matrix
# product, relu$(W a) / (h w)$: here are the classes with the highest maxima.

# %% [markdown] tags=["fr"]
# Sans widget, l’objectif est une valeur qu’on peut soustraire. Où est ce qui plaide pour « missile » plutôt que pour
# « grue (engin) » ? Et comme ce réseau finit par une moyenne et une seule couche linéaire, les cartes des 1000
# classes tiennent en un produit de matrices, relu$(W a) / (h w)$ : voici les classes aux plus hauts maximums.

# %%
from nnviz_widgets import methods
from nnviz_widgets.methods.class_maps import all_class_maps

x = imagenet.prepare(nnviz.sample("rocket"))
missile, crane = (nnviz.logit(imagenet.class_index(name)) for name in ("missile", "crane"))
rather = methods.grad_cam(imagenet, x, missile - crane, "head")
highest = all_class_maps(imagenet, x).amax((1, 2)).topk(5)
divmod(int(rather.argmax()), rather.shape[-1]), [imagenet.labels[c] for c in highest.indices.tolist()]

# %% [markdown] tags=["en"]
# Linked traits make two widgets move as one: the same class at two depths of the network.

# %% [markdown] tags=["fr"]
# Des traits liés font bouger deux widgets comme un seul : la même classe à deux profondeurs du réseau.

# %%
import ipywidgets

late = nnviz.GradCam(imagenet, "astronaut", target="crash helmet")
early = nnviz.GradCam(imagenet, "astronaut", target="crash helmet", layer="stage4")
links = [ipywidgets.link((late, name), (early, name)) for name in ("photo", "target", "second", "variant")]
late

# %%
early

# %% [markdown] tags=["en"]
# ## Your own function
#
# A function `f(module, x, target)` stands in for the method: it gets a copy of the network to take apart as it likes,
# the prepared picture and the index of the class, and gives a map of the layer's size. The widget shows it beside its
# own and says where they differ most.

# %% [markdown] tags=["fr"]
# ## Votre propre fonction
#
# Une fonction `f(module, x, target)` peut remplacer la méthode : elle reçoit une copie du réseau, à démonter à sa
# guise, l’image préparée et l’indice de la classe, et rend une carte de la taille de la couche. Le widget la montre à
# côté de la sienne et dit où elles diffèrent le plus.


# %%
def my_grad_cam(module, x, target):
    kept = []

    def keep(part, inputs, output):
        output.retain_grad()
        kept.append(output)

    module.get_submodule("head").register_forward_hook(keep)
    module(x)[0, target].backward()
    (maps,) = kept
    weights = maps.grad.mean((2, 3), keepdim=True)
    return (weights * maps).sum(1).relu()


nnviz.GradCam(imagenet, "coffee", layer="head", method=my_grad_cam)

# %% [markdown] tags=["en"]
# ## The camera
#
# A `Camera` stands in for a picture: the webcam of the browser that shows this page, at the pace of the network. Take
# the # away, run the cell, and let the browser use the camera. Show it a cup, a pen, a shoe.

# %% [markdown] tags=["fr"]
# ## La caméra
#
# Une `Camera` tient lieu d’image : c’est la webcam du navigateur qui affiche cette page, au rythme du réseau. Ôtez le
# #, exécutez la cellule et autorisez le navigateur à utiliser la caméra. Montrez-lui une tasse, un stylo, une
# chaussure.

# %%
camera = nnviz.Camera()
# nnviz.GradCam(imagenet, camera)

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - The map says where something speaks for a class, not whether the class is there. It exists for a class of
#   probability 0.0006 too: read the maximum on the colour bar.
# - It is as coarse as the layer, 7 × 7 here; spreading it smoothly over the photo adds nothing.
# - Two maps can be compared on one scale only. Elsewhere each is often stretched to its own maximum, and nothing looks
#   like something.
# - At earlier layers, one weight a map is too little: the mean over space mixes places where the map speaks for the
#   class with others where it speaks against it.
# - What speaks *against* the class is cut off. Ask for the other class, or for a difference.
# - Guided Grad-CAM owes its fine lines to guided backpropagation, which does not know the class.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - La carte dit où quelque chose plaide pour une classe, non si la classe est là. Elle existe aussi pour une classe de
#   probabilité 0,0006 : lisez le maximum sur l’échelle des couleurs.
# - Elle est aussi grossière que la couche, 7 × 7 ici ; l’étaler en douceur sur la photo n’ajoute rien.
# - Deux cartes ne se comparent qu’à la même échelle. Ailleurs, on étire souvent chacune jusqu’à son maximum, et trois
#   fois rien a l’air de quelque chose.
# - Aux couches plus proches de l’entrée, un seul poids par carte ne suffit plus : la moyenne spatiale mélange les endroits où la
#   carte plaide pour la classe et ceux où elle plaide contre.
# - Ce qui plaide *contre* la classe est coupé. Demandez l’autre classe, ou une différence.
# - Grad-CAM guidée doit ses traits fins à la rétropropagation guidée, qui ignore la classe.
