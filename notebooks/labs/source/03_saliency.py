# %% [markdown] tags=["en"]
# # Lab 3: saliency

# %% [markdown] tags=["fr"]
# # TP 3 : la saillance

# %%
import nnviz_widgets as nnviz
from nnviz_widgets import labs

# %% tags=["fr"]
nnviz.set_language("fr")

# %%
import torch

cifar = nnviz.load("cifar_net")

# %% [markdown] tags=["en"]
# ## The gradient of a logit

# %% [markdown] tags=["fr"]
# ## Le gradient d’un logit


# %% tags=["en", "answer:saliency"]
def my_saliency(module, x, target):
    """Gradient of logit `target` at the input, of the shape of x."""
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(module(x)[0, target], x)[0]
    ### END SOLUTION


# %% tags=["fr", "answer:saliency"]
def my_saliency(module, x, target):
    """Gradient du logit `target` à l’entrée, de la forme de x."""
    ### BEGIN SOLUTION
    x = x.detach().clone().requires_grad_()
    return torch.autograd.grad(module(x)[0, target], x)[0]
    ### END SOLUTION


# %% tags=["test:saliency_test:3"]
print(labs.check_saliency(my_saliency))
### BEGIN HIDDEN TESTS
labs.check_saliency(my_saliency, seed=1)
### END HIDDEN TESTS

# %%
nnviz.Saliency(cifar, "cat", rules=("vanilla",), method=my_saliency)
