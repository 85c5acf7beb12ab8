# %% [markdown] tags=["en"]
# # Training
#
# `nnviz.Training` lets a small network learn in a cell while you look into it, as Karpathy's ConvNetJS did in 2014: its
# first filters, the maps that it makes of one picture, and the mistake of which it is most sure are drawn again and
# again. Each step takes a few pictures, and moves the weights $w$ against the gradient of the loss $L$, with learning
# rate $\eta$, momentum $\mu$ and weight decay $\lambda$:
#
# $$v \leftarrow \mu v + \nabla L(w) + \lambda w, \qquad w \leftarrow w - \eta v.$$
#
# The [tour](00_tour.ipynb) looks into networks that have learned already.

# %% [markdown] tags=["fr"]
# # L’apprentissage
#
# `nnviz.Training` fait apprendre un petit réseau dans une cellule pendant que vous regardez dedans, comme le faisait
# ConvNetJS de Karpathy en 2014 : ses premiers filtres, les cartes qu’il tire d’une image et l’erreur dont il est le
# plus sûr sont redessinés sans cesse. Chaque pas prend quelques images et déplace les poids $w$ contre le gradient de
# la perte $L$, avec le taux d’apprentissage $\eta$, l’inertie $\mu$ et la décroissance des poids $\lambda$ :
#
# $$v \leftarrow \mu v + \nabla L(w) + \lambda w, \qquad w \leftarrow w - \eta v.$$
#
# La [visite](00_tour.ipynb) regarde dans des réseaux qui ont déjà appris.

# %%
import nnviz_widgets as nnviz

# %% tags=["fr"]
nnviz.set_language("fr")

# %% [markdown] tags=["en"]
# The pictures are scikit-learn's 1797 handwritten digits, 8 × 8 pixels each. A fifth is held out: the network never
# learns from those, and they tell how well it does on pictures that it has not seen.

# %% [markdown] tags=["fr"]
# Les images sont les 1797 chiffres manuscrits de scikit-learn, de 8 × 8 pixels chacun. Un cinquième des images est mis de côté :
# le réseau n’en apprend jamais rien, et elles disent ce qu’il vaut sur des images qu’il n’a pas vues.

# %%
import torch
from torch import nn

torch.set_num_threads(1)  # for so small a network, more only get into each other's way
torch.manual_seed(0)
net = nn.Sequential(
    nn.Conv2d(1, 16, 5, padding=2),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1),
    nn.ReLU(),
    nn.Flatten(),
    nn.Linear(512, 64),
    nn.ReLU(),
    nn.Linear(64, 10),
)
digits = nnviz.ImageSet("digits")

# %% [markdown] tags=["en"]
# ## The widget
#
# It begins at once. Pause, take single steps, go on; move the learning rate while it runs. Click the mistake to see
# what the maps make of it; point at a filter or a map to read its values. Restart puts back the weights that the
# network had when the widget was made.

# %% [markdown] tags=["fr"]
# ## Le widget
#
# Il commence aussitôt. Mettez en pause, avancez pas à pas, continuez ; changez le taux d’apprentissage en cours de
# route. Cliquez sur l’erreur pour voir ce qu’en font les cartes ; pointez un filtre ou une carte pour en lire les
# valeurs. Recommencer remet les poids qu’avait le réseau à la création du widget.

# %%
training = nnviz.Training(net, digits, mean=0.5, std=0.5, size=8)
training

# %% [markdown] tags=["en"]
# | Control | Trait | What it does |
# |---|---|---|
# | Picture, Layer | `example`, `layer` | which picture is looked at, and whose maps of it; nothing begins anew |
# | Learning rate | `learning_rate` | how far a step goes; steers at once |
# | Weight decay | `weight_decay` | how strongly weights are drawn to 0; steers at once |
# | Momentum | `momentum` | share of the last step that is taken again; steers at once |
# | Epochs | `epochs` | how often each picture is learned from; raise it to go on |
# | Pictures a step | `batch` | begins anew |
# | Seed | `seed` | what is held out and in which order the others come; begins anew |
# | | `test_share` | the share that is held out; begins anew |
# | | `autorun` | `False` waits for Start |

# %% [markdown] tags=["fr"]
# | Réglage | Trait | Ce qu’il fait |
# |---|---|---|
# | Image, Couche | `example`, `layer` | quelle image on regarde, et les cartes de quelle couche ; rien ne recommence |
# | Taux d’apprentissage | `learning_rate` | la longueur d’un pas ; agit aussitôt |
# | Décroissance des poids | `weight_decay` | avec quelle force les poids sont ramenés vers 0 ; agit aussitôt |
# | Inertie | `momentum` | la part du dernier pas qui est refaite ; agit aussitôt |
# | Époques | `epochs` | combien de fois on apprend de chaque image ; augmentez-le pour continuer |
# | Images par pas | `batch` | recommence |
# | Graine | `seed` | ce qui est mis de côté et dans quel ordre viennent les autres ; recommence |
# | | `test_share` | la part mise de côté ; recommence |
# | | `autorun` | `False` attend Démarrer |

# %% [markdown] tags=["en"]
# ## From code
#
# `compute()` goes on to the end and returns the last step.

# %% [markdown] tags=["fr"]
# ## Depuis le code
#
# `compute()` va jusqu’au bout et rend le dernier pas.

# %%
training.compute()

# %% [markdown] tags=["en"]
# ## Other widgets look on
#
# `training.engine` is an engine of the very same network. Whatever it is asked, it answers with the weights as they are
# then: make the training go on with more epochs, move any slider here, and the maps are new.

# %% [markdown] tags=["fr"]
# ## D’autres widgets regardent
#
# `training.engine` est un moteur de ce réseau même. Quoi qu’on lui demande, il répond avec les poids du moment :
# prolongez l’apprentissage de quelques époques, bougez ici n’importe quel réglage, et les cartes sont nouvelles.

# %%
nnviz.ActivationMaps(training.engine, digits[training.example])

# %% [markdown] tags=["en"]
# ## Without a widget
#
# `methods.train` gives step after step. What is not asked for does not happen: a loop that is left is a training that
# has stopped. Here a network of a single linear layer, for comparison.

# %% [markdown] tags=["fr"]
# ## Sans widget
#
# `methods.train` donne un pas après l’autre. Ce qu’on ne demande pas n’a pas lieu : une boucle qu’on quitte est un
# apprentissage arrêté. Voici, pour comparer, un réseau d’une seule couche linéaire.

# %%
from nnviz_widgets import methods

linear = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
steps = methods.train(linear, digits, mean=(0.5,), std=(0.5,), size=8, epochs=5)
[(step.epoch, step.test_accuracy) for step in steps if step.test_accuracy is not None]

# %% [markdown] tags=["en"]
# ## What it knows: a map of the digits
#
# The input of the last layer is a vector of 64 numbers for each picture. Pictures that the network finds alike have
# vectors that are close. Here they lie as their two principal components say; choose t-SNE (van der Maaten and Hinton,
# 2008) and see them part into groups. Look for the pictures between the groups: some are those that it mistakes.

# %% [markdown] tags=["fr"]
# ## Ce qu’il sait : une carte des chiffres
#
# L’entrée de la dernière couche est un vecteur de 64 nombres pour chaque image. Les images que le réseau trouve
# semblables ont des vecteurs proches. Les voici selon leurs deux composantes principales ; choisissez t-SNE (van der
# Maaten et Hinton, 2008), et elles se séparent en groupes. Cherchez les images entre les groupes : certaines sont celles
# qu’il confond.

# %%
embedding = methods.embed(training.engine, digits)
nnviz.EmbeddingMap(training.engine, embedding)

# %% [markdown] tags=["en"]
# ## What to beware of
#
# - It is your module that learns. Stop, the end and closing the widget leave the weights that it has learned.
# - A loss that is no longer a number means too high a learning rate: the widget stops, and says so.
# - The accuracy on pictures learned from is no proof of anything. Hold out few (`test_share`), learn long, and watch the
#   lines part.
# - The filters of so small a network on 8 × 8 pixels are rarely beautiful. Weight decay keeps their
#   weights small: watch the scale beside them.
# - One held-out picture is a quarter of a percent here: differences in the last digit are chance. Change the seed.

# %% [markdown] tags=["fr"]
# ## Ce dont il faut se méfier
#
# - C’est votre module qui apprend. L’arrêt, la fin et la fermeture du widget laissent les poids appris.
# - Une perte qui n’est plus un nombre veut dire que le taux d’apprentissage est trop haut : le widget s’arrête et le dit.
# - La réussite sur les images apprises ne prouve rien. Mettez-en peu de côté (`test_share`), apprenez longtemps, et
#   regardez les courbes se séparer.
# - Les filtres d’un si petit réseau sur 8 × 8 pixels sont rarement beaux. La décroissance des poids garde
#   leurs poids petits : regardez l’échelle à côté.
# - Une image mise de côté compte ici pour un quart de pour cent : le dernier chiffre relève du hasard. Changez la graine.
