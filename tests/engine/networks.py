"""Small seeded networks with the habits that real ones have, and a snapshot that shows whether one was touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nnviz_widgets.engine.engine import Engine

SIZE = 16


def seeded(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """An evaluated module whose weights are always the same, and whose normalisations are no identity."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = make()
        for part in module.modules():
            if isinstance(part, nn.BatchNorm2d):
                part.running_mean.normal_()
                part.running_var.uniform_(0.5, 2)
    return module.eval()


def engine_of(module: nn.Module, **options: Any) -> Engine:
    """An engine with the least that must be said."""
    settings: dict[str, Any] = {"mean": (0.5, 0.5, 0.5), "std": (0.25, 0.25, 0.25), "size": SIZE, "outputs": "logits"}
    return Engine(module, **{**settings, **options})


def picture(count: int = 1, channels: int = 3, size: tuple[int, int] = (SIZE, SIZE), seed: int = 1) -> Tensor:
    """A prepared x, laid out as the engine runs networks on a CPU: another layout changes the last digits."""
    x = torch.randn(count, channels, *size, generator=torch.Generator().manual_seed(seed))
    return x.clone(memory_format=torch.channels_last)


class Plain(nn.Module):
    """Convolutions with and without padding and stride, normalisation, pooling; nothing in place unless asked for."""

    def __init__(self, inplace: bool = False, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 6, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(6)
        self.act1 = nn.ReLU(inplace)
        self.pool = nn.MaxPool2d(2)
        self.block = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU6(inplace))
        self.average = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.act1(self.bn1(self.conv1(x))))
        return self.fc(self.flatten(self.average(self.block(x))))


class Functional(nn.Module):
    """Activations and pooling as functions between modules, in place or not."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.conv3 = nn.Conv2d(6, 8, 3, padding=1)
        self.fc = nn.Linear(8, 5)
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = F.relu(x, inplace=True) if self.inplace else F.relu(x)
        x = F.max_pool2d(self.conv2(x), 2)
        x = torch.relu_(x) if self.inplace else torch.relu(x)
        x = self.conv3(x)
        if self.inplace:
            x.clamp_(min=0)  # its return value is not used
        else:
            x = x.clamp(min=0)
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Reused(nn.Module):
    """One activation module called three times, a function of its name, and a block called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.block = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), self.relu)
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.conv1(x))
        x = self.block(self.block(x))
        return self.fc(F.relu(x - 0.1).mean((2, 3)))


class Branches(nn.Module):
    """Branches that are added in place and concatenated, as in residual and dense networks."""

    def __init__(self, inplace: bool = True) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.left = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1), nn.BatchNorm2d(6))
        self.right = nn.Conv2d(6, 4, 1)
        self.relu = nn.ReLU(inplace)
        self.fc = nn.Linear(10, 5)
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.stem(x))
        out = self.left(x)
        if self.inplace:
            out += x
        else:
            out = out + x
        out = torch.cat([self.relu(out), self.right(x)], 1)
        return self.fc(out.mean((2, 3)))


class Leaky(nn.Module):
    """An activation in place that also changes what the shortcut reads: without the in-place another function."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(6, 6, 3, padding=1)
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = x + self.conv2(self.relu(x))  # reads x first: x is already rectified by the time of the sum
        self.relu(x)  # its return value is not used
        return self.fc(x.mean((2, 3)))


class OneChannel(nn.Module):
    """Grey input that is not square, and an output of shape (N, classes, 1, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, stride=(1, 2))
        self.relu = nn.ReLU6(inplace=True)
        self.head = nn.Conv2d(4, 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(self.head(self.relu(self.conv(x))), 1)


class Record(NamedTuple):
    logits: Tensor
    extra: Tensor


class Tuples(nn.Module):
    """Modules that return tuples and records."""

    def __init__(self) -> None:
        super().__init__()
        self.part = _Pair()
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Record:
        y, _ = self.part(x)
        return Record(self.fc(y.relu().mean((2, 3))), y)


class _Pair(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, list[int]]:
        return self.conv(x), [1]


class Normed(nn.Module):
    """Weight and spectral norm, both of the old kind (a hook) and of the new (a parametrization)."""

    def __init__(self) -> None:
        super().__init__()
        from torch.nn.utils import parametrizations, spectral_norm

        self.conv1 = parametrizations.weight_norm(nn.Conv2d(3, 6, 3))
        self.conv2 = spectral_norm(nn.Conv2d(6, 6, 3))
        self.conv3 = parametrizations.spectral_norm(nn.Conv2d(6, 6, 3))
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.conv3(self.conv2(self.conv1(x)).relu()).mean((2, 3)))


class Writer(nn.Module):
    """A forward that writes to a buffer and to a plain attribute, and changes its input in place."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.fc = nn.Linear(6, 5)
        self.register_buffer("count", torch.zeros(()))
        self.last: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        x.sub_(0.25)
        x = self.conv(x)
        self.last = [x]
        return self.fc(x.relu().mean((2, 3)))


class Drawing(nn.Module):
    """A forward that draws random numbers in eval mode too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.fc = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.fc(F.dropout(x + torch.randn_like(x), 0.5, training=True).mean((2, 3)))


class Counting(Plain):
    """Counts the passes of all its copies."""

    passes = 0

    def forward(self, x: Tensor) -> Tensor:
        Counting.passes += 1
        return super().forward(x)


class Raising(Plain):
    """Raises what its class is told to, in the middle of a pass."""

    error: BaseException | None = None

    def forward(self, x: Tensor) -> Tensor:
        x = self.act1(self.bn1(self.conv1(x)))
        if Raising.error is not None:
            raise Raising.error
        return self.fc(self.flatten(self.average(self.block(self.pool(x)))))


def snapshot(module: nn.Module) -> dict[str, Any]:
    """All that a visitor might change: values, identities, versions, gradients, modes, hooks, random state."""
    state: dict[str, Any] = {"rng": torch.get_rng_state().tolist(), "grad mode": torch.is_grad_enabled()}
    for path, part in module.named_modules():
        state[path, "identity"] = id(part), part.training, type(part), part.__dict__.get("inplace")
        for name, value in vars(part).items():
            if "hook" in name and isinstance(value, dict):
                state[path, name] = [(key, id(hook)) for key, hook in value.items()]
        tensors = {**part._parameters, **part._buffers}
        for name, tensor in tensors.items():
            if tensor is not None:
                state[path, name] = (
                    (id(tensor), tensor.data_ptr(), tensor._version, tensor.device, tensor.requires_grad),
                    None if tensor.grad is None else tensor.grad.tolist(),
                    tensor.detach().tolist(),
                )
        state[path, "attributes"] = sorted(vars(part))
    return state
