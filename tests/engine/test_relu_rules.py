"""Rules against hooks that do the same by hand, and against the formulas."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nnviz_widgets import logit, neuron
from nnviz_widgets.engine.engine import Engine
from nnviz_widgets.engine.relu_rules import RULES, ReluRule
from nnviz_widgets.errors import NnvizError


def by_formula(rule, a, g, upper=torch.inf):
    mask = ((a > 0) & (a < upper)).to(g.dtype)
    return {"vanilla": g * mask, "deconvnet": g.clamp(min=0), "guided": g.clamp(min=0) * mask}[rule]


CALLS = {
    "module": (lambda a: nn.ReLU()(a), torch.inf),
    "module in place": (lambda a: nn.ReLU(inplace=True)(a), torch.inf),
    "function": (F.relu, torch.inf),
    "function in place": (lambda a: F.relu(a, True), torch.inf),
    "torch": (torch.relu, torch.inf),
    "method": (lambda a: a.relu(), torch.inf),
    "method in place": (lambda a: a.relu_(), torch.inf),
    "return value ignored": (lambda a: (a.relu_(), a)[1], torch.inf),
    "relu6 module": (lambda a: nn.ReLU6()(a), 6.0),
    "relu6 in place": (lambda a: nn.ReLU6(inplace=True)(a), 6.0),
    "relu6 function": (F.relu6, 6.0),
    "clamp": (lambda a: a.clamp(min=0), torch.inf),
    "clamp in place": (lambda a: torch.clamp_(a, 0), torch.inf),
    "clamp both": (lambda a: a.clamp(0, 4), 4.0),
    "clamp_min": (lambda a: torch.clamp_min(a, 0), torch.inf),
    "threshold": (lambda a: F.threshold(a, 0, 0), torch.inf),
}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", CALLS)
def test_every_kind_of_relu_follows_the_formula(rule, name):
    call, upper = CALLS[name]
    generator = torch.Generator().manual_seed(1)
    a = (5 * torch.randn(4, 50, generator=generator, dtype=torch.float64)).requires_grad_()
    g = torch.randn(4, 50, generator=generator, dtype=torch.float64)
    with ReluRule(rule) as relus:
        out = call(a.clone())
    (found,) = torch.autograd.grad(out, a, g)
    assert torch.equal(out, a.clamp(0, upper))
    assert torch.equal(found, by_formula(rule, a.detach(), g, upper))
    assert relus.overridden == (0 if rule == "vanilla" else 1)


@pytest.mark.parametrize(
    "call", [lambda a: a.clamp(max=1), lambda a: a.clamp(-1, 1), F.gelu, F.silu, F.hardtanh, F.elu]
)
def test_what_is_no_relu_keeps_its_gradient(call):
    a = torch.linspace(-3, 3, 31, dtype=torch.float64).requires_grad_()
    (plain,) = torch.autograd.grad(call(a).sum(), a)
    with ReluRule("guided") as relus:
        out = call(a)
    (found,) = torch.autograd.grad(out.sum(), a)
    assert torch.equal(found, plain)
    assert relus.overridden == 0


class Branchy(nn.Module):
    """A reused in-place ReLU, a functional one, a branch and a ReLU6."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Conv2d(1, 6, 3), nn.Conv2d(6, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1)
        self.relu, self.six, self.head = nn.ReLU(inplace=True), nn.ReLU6(), nn.Linear(6, 4)

    def forward(self, x):
        x = self.relu(self.a(x))
        x = self.relu(x + self.b(F.relu(self.c(x), inplace=True)))
        return self.head(self.six(x).mean((2, 3)))


def hooked_gradient(module, x, rule, index):
    """The usual way, on a twin whose ReLUs are all modules of their own, by backward hooks on each."""

    class Twin(nn.Module):
        def __init__(self):
            super().__init__()
            self.m = module
            self.r = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.ReLU(), nn.ReLU6()])

        def forward(self, x):
            x = self.r[0](self.m.a(x))
            x = self.r[2](x + self.m.b(self.r[1](self.m.c(x))))
            return self.m.head(self.r[3](x).mean((2, 3)))

    twin = Twin()
    for relu in twin.r:

        def hook(_module, grad_input, grad_output):
            chosen = grad_output[0] if rule == "deconvnet" else grad_input[0]
            return (chosen if rule == "vanilla" else chosen.clamp(min=0),)

        relu.register_full_backward_hook(hook)
    x = x.clone().requires_grad_()
    twin(x)[0, index].backward()
    return x.grad


@pytest.mark.parametrize("rule", RULES)
def test_a_network_with_every_use_of_relu_equals_one_with_hooks(rule):
    torch.manual_seed(0)
    module = Branchy()
    engine = Engine(module, mean=0.5, std=0.5, size=(12, 9))
    x = torch.randn(1, 1, 12, 9, generator=torch.Generator().manual_seed(3))
    found = engine.gradient(x, logit(2), rule=rule)
    assert torch.allclose(found, hooked_gradient(module, x, rule, 2), atol=1e-7)
    assert found.abs().max() > 0


def test_one_neuron_starts_from_itself():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.Flatten(), nn.Linear(5 * 16, 3))
    engine = Engine(module, mean=0, std=1, size=8)
    x = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    guided = engine.gradient(x, neuron("2", 1, 2, 3), rule="guided")
    assert guided[..., :2, :].abs().max() == 0  # outside its 5 x 5 field
    assert guided[..., 2:7, 3:8].abs().max() > 0


def test_a_network_without_relu_is_refused_but_for_vanilla():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.Flatten(), nn.Linear(4 * 36, 3))
    engine = Engine(module, mean=0, std=1, size=8)
    x = torch.rand(1, 3, 8, 8)
    assert engine.gradient(x, logit(0)).shape == x.shape
    for rule in ("deconvnet", "guided"):
        with pytest.raises(NnvizError, match=rule):
            engine.gradient(x, logit(0), rule=rule)
    with pytest.raises(NnvizError, match="sideways"):
        engine.gradient(x, logit(0), rule="sideways")
