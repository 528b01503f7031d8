"""Where a Transformer looks: the attention weights of every layer and head.

Shapes: B rows, T tokens of a window, L layers, H heads, D head size.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from inkloom.errors import InputError
from inkloom.explain.copies import sharing_weights
from inkloom.explain.tokens import Bools, Floats, Text, Tokens, after_end, check_number, tokens_of
from inkloom.models.transformer import Attend, Attention, Transformer
from inkloom.models.unmasked import Unmasked
from inkloom.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class AttentionMaps:
    """How every position shares its attention. The first of the T tokens is the end token before the text."""

    tokens: Tokens
    weights_LHTT: Floats
    """weights[l, h, t, s] is the share of position s in what position t gathers; rows sum to 1."""

    masked_TT: Bools
    """True where the causal mask shuts a position off: such a weight is no finding but a rule."""

    @property
    def previous_LH(self) -> Floats:
        """What each head gives the position before, on average."""
        return self._at_distance(1)

    @property
    def itself_LH(self) -> Floats:
        """What each head gives the position itself, on average."""
        return self._at_distance(0)

    @property
    def next_LH(self) -> Floats:
        """What each head gives the position after, on average: nothing where there is a mask."""
        return self._at_distance(-1)

    @property
    def first_LH(self) -> Floats:
        """What each head gives the end token before the text, on average over the positions after it."""
        return np.asarray(self.weights_LHTT[:, :, 1:, 0].mean(axis=-1))

    @property
    def distance_LH(self) -> Floats:
        """How many positions away each head looks, on average."""
        places_T = np.arange(len(self.tokens), dtype=np.float32)
        return np.asarray((self.weights_LHTT * abs(places_T[:, None] - places_T)).sum(axis=-1).mean(axis=-1))

    def habit(self, layer: int, head: int) -> tuple[str, float]:
        """Which of a few places a head looks at most, in words, and what it gives it on average."""
        shares = {
            "the token before": self.previous_LH,
            "the token itself": self.itself_LH,
            "the end token before the text": self.first_LH,
            "the token after, which is to be predicted": self.next_LH,
        }
        place = max(shares, key=lambda name: float(shares[name][layer, head]))
        return place, float(shares[place][layer, head])

    def telling_head(self, layer: int | None = None, head: int | None = None) -> tuple[int, int]:
        """The head that looks most at one neighbour: the token before, or, without a mask, the one after.

        layer, head: where they are given, it is that layer's or that number's. Raises InputError where they are not
        there.
        """
        L, H = self.weights_LHTT.shape[:2]
        check_number("layer", layer, L)
        check_number("head", head, H)
        shares_LH = self.previous_LH if self.masked_TT.any() else self.next_LH
        asked_LH = np.ones((L, H), np.bool_)
        if layer is not None:
            asked_LH &= np.arange(L)[:, None] == layer
        if head is not None:
            asked_LH &= np.arange(H) == head
        best = np.where(asked_LH, shares_LH, -1).argmax()
        return int(best // H), int(best % H)

    def as_json(self) -> dict[str, Any]:
        """The weights as lists, to four decimals, null where they are masked."""
        weights_LHTT = self.weights_LHTT.astype(np.float64).round(4).astype(object)
        weights_LHTT[..., self.masked_TT] = None
        return {
            "tokens": list(self.tokens.texts),
            "ids": self.tokens.ids.tolist(),
            "weights": weights_LHTT.tolist(),
            "heads": {
                "previous": self.previous_LH.tolist(),
                "itself": self.itself_LH.tolist(),
                "next": self.next_LH.tolist(),
                "first": self.first_LH.tolist(),
                "distance": self.distance_LH.tolist(),
            },
        }

    def _at_distance(self, distance: int) -> Floats:
        return np.asarray(self.weights_LHTT.diagonal(-distance, axis1=2, axis2=3).mean(axis=-1))


def attention(model: Transformer, tokenizer: Tokenizer, text: Text, as_trained: bool = False) -> AttentionMaps:
    """The attention of every layer and head while the model reads a text.

    as_trained: how a model without the causal mask (`unmasked`) attends in training, to the whole window. Where it
        writes there is no future to attend to, and it is masked like any other.

    Raises InputError for a text that is empty, that the tokenizer does not know or that is longer than the window.
    """
    tokens = window_of(model, tokenizer, text)
    watched = sharing_weights(model)
    watched.training = as_trained  # of the model alone: its dropout stays off
    maps_LHTT = attention_maps(watched, torch.from_numpy(tokens.ids)[None].to(model.device))
    causal_TT = np.triu(np.ones((len(tokens), len(tokens)), np.bool_), 1)
    masked_TT = causal_TT & (not (as_trained and isinstance(model, Unmasked)))
    return AttentionMaps(tokens, maps_LHTT.cpu().numpy(), masked_TT)


def window_of(model: Transformer, tokenizer: Tokenizer, text: Text) -> Tokens:
    """The tokens of a text after the end token; InputError where they do not fit the model's window."""
    tokens = after_end(tokenizer, tokens_of(tokenizer, text))
    if len(tokens) > model.window:
        raise InputError(
            f"The text has {len(tokens) - 1:,} tokens; the Transformer's window holds {model.window - 1:,} behind the "
            "end token. Give a shorter text, or views that read on past the window: surprisal, next."
        )
    return tokens


@torch.no_grad()
def attention_maps(model: Transformer, tokens_BT: Tensor) -> Tensor:
    """The attention weights with which the model, in the mode it is in, reads one window: maps_LHTT, float32.

    maps[l, h, t, s] is the share of position s in what position t gathers. Raises ValueError unless there is one row,
    no longer than the model's window.
    """
    rows, length = tokens_BT.shape
    if rows != 1 or not 0 < length <= model.window:
        raise ValueError(f"got {rows} rows of {length} tokens; one row of 1 to {model.window} tokens can be drawn")
    maps: list[Tensor] = []
    watched = sharing_weights(model)
    for layer in watched.modules():
        if isinstance(layer, Attention):
            layer.attend = partial(_record, layer.attend, maps)
    watched(tokens_BT, watched.initial_state(1))
    return torch.stack(maps)


def _record(attend: Attend, maps: list[Tensor], q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor) -> Tensor:
    """Attend, and keep the weights: with the identity for values they are what attention gathers."""
    length = q_BHTD.shape[2]
    identity_BHTT = torch.eye(length, device=q_BHTD.device).expand(*q_BHTD.shape[:2], length, length)
    maps.append(attend(q_BHTD.float(), k_BHTD.float(), identity_BHTT)[0])
    return attend(q_BHTD, k_BHTD, v_BHTD)
