"""Optimisers by name, with weight decay on matrices alone and Muon for the hidden matrices a family names."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import torch
from torch import nn

from inkloom.training.config import TrainingConfig


class Together(torch.optim.Optimizer):
    """Several optimisers, each with its own parameters, stepped and saved as one."""

    def __init__(self, parts: Iterable[torch.optim.Optimizer]) -> None:
        self.parts = list(parts)
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        # The groups are the parts' own dictionaries, so that a schedule that writes a learning rate reaches them.
        self.param_groups = [group for part in self.parts for group in part.param_groups]

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = [group for part in self.parts for group in part.param_groups]


class Trainable(Protocol):
    """A module that says which of its weights Muon may update."""

    def parameters(self, recurse: bool = True) -> Iterator[nn.Parameter]:
        """All weights."""
        ...

    def hidden_matrices(self) -> Iterable[nn.Parameter]:
        """The two-dimensional weights between hidden layers; none where Muon does not pay."""
        ...


def build_optimizer(model: Trainable, config: TrainingConfig) -> torch.optim.Optimizer:
    """The optimiser that a config names, over all parameters of the model that learn."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    betas = (config.beta1, config.beta2)
    fused = all(parameter.device.type in ("cpu", "cuda", "mps") for parameter in learning)
    if config.optimizer == "sgd":
        return torch.optim.SGD(_decay_matrices(learning, config.weight_decay), lr=config.learning_rate, fused=fused)
    if config.optimizer == "adam":
        groups = _decay_matrices(learning, config.weight_decay)
        return torch.optim.Adam(groups, lr=config.learning_rate, betas=betas, fused=fused)
    hidden = list(model.hidden_matrices()) if config.optimizer == "muon" else []
    taken = {id(parameter) for parameter in hidden}
    rest = [parameter for parameter in learning if id(parameter) not in taken]
    adamw = torch.optim.AdamW(
        _decay_matrices(rest, config.weight_decay), lr=config.learning_rate, betas=betas, fused=fused
    )
    if not hidden:
        return adamw
    muon = torch.optim.Muon(hidden, lr=config.muon_learning_rate, weight_decay=config.weight_decay, momentum=0.95)
    return Together([muon, adamw])


def _decay_matrices(parameters: list[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    """Biases and the gains of norms are not decayed: pulling them to 0 changes scales, not complexity."""
    matrices = [parameter for parameter in parameters if parameter.ndim >= 2]
    others = [parameter for parameter in parameters if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
