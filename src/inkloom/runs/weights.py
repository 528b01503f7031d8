"""Weights on disk as safetensors: nothing in the file can run, and a file is whole or refused."""

from pathlib import Path

import safetensors
import torch
from safetensors.torch import load_file, save
from torch import nn

from inkloom.errors import InputError
from inkloom.files import write_bytes


def save_weights(model: nn.Module, path: Path) -> None:
    """Write all weights; tied ones once. The same weights make the same bytes."""
    write_bytes(path, save({name: tensor.contiguous() for name, tensor in _distinct(model).items()}))


def load_weights(model: nn.Module, path: Path) -> None:
    """Read what `save_weights` wrote into a model of the same shape. InputError for a missing or damaged file."""
    try:
        tensors = load_file(path)
    except FileNotFoundError as error:
        raise InputError(
            f"{path.parent} has no {path.name} yet: its training has not reached the first validation. "
            f"Go on with `inkloom train --resume {path.parent}`."
        ) from error
    except (OSError, safetensors.SafetensorError) as error:
        raise InputError(f"{path} is damaged ({error}). Restore the file or train again.") from error
    own = _distinct(model)
    if wrong := sorted(own.keys() ^ tensors.keys()):
        raise InputError(f"{path} does not fit its config.json: {wrong[0]} is only in one of them.")
    for name, tensor in tensors.items():
        if own[name].shape != tensor.shape:
            raise InputError(
                f"{path} does not fit its config.json: {name} is {tuple(tensor.shape)}, not {tuple(own[name].shape)}."
            )
        with torch.no_grad():
            own[name].copy_(tensor)


def _distinct(model: nn.Module) -> dict[str, torch.Tensor]:
    """The model's tensors by name, each storage under its first name alone: safetensors refuses shared memory."""
    seen: set[int] = set()
    tensors = {}
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() not in seen or tensor.numel() == 0:
            seen.add(tensor.data_ptr())
            tensors[name] = tensor.detach()
    return tensors
