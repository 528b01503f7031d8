"""The score of a model on a split: every token once, in nats per token and bits per original character.

A model that carries all that precedes in its state reads the split as lanes side by side. A lane starts `WARM_UP`
tokens early and is scored only after them, so every token is predicted by a state that has read at least so much of
the text before it; the first lane starts at the beginning. A model with a context window reads windows that advance
by half a window and scores the later half: every token sees at least half a window of context, or all that precedes it.
A model that can score given tokens without the whole distribution of each does so.

Shapes: B lanes or windows, T tokens, V vocabulary.
"""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from inkloom.data import EncodedPart
from inkloom.data.progress import Advance
from inkloom.errors import InputError
from inkloom.models.base import CombinesParts, LanguageModel, ScoresTokens
from inkloom.models.evaluating import evaluating

WARM_UP = 1024
"""Tokens a lane reads before it is scored. See docs/decisions/0001: an LSTM's mean score changes by 1e-9 nats."""

MAX_LANES = 32
CHUNK = 256
LOGITS_AT_ONCE = 31 << 18
"""At most this many logits are held at a time: 31 MiB in float32. malloc keeps no block of 32 MiB or more."""

TOKENS_AT_ONCE = 1 << 13
"""In windows that are read side by side. More do not fit the caches: 64 windows of 128 tokens take 4.9 s for 111,540
characters on 2 cores where 1,956 take 8.5 s."""

GIVEN_AT_ONCE = 1 << 20
"""Tokens that are scored at once where the whole distribution of each is not needed."""


@dataclass(frozen=True)
class Scores:
    """Totals over a split, and the protocol's units made from them.

    `nats` are what the model paid for the tokens; `charge_nats` is the price of text the tokenizer lost. Per token and
    as perplexity the vocabulary is closed: the charge is left out. Per character and per byte it is included.
    """

    split: str
    tokens: int
    chars: int
    bytes: int
    unknown_tokens: int
    nats: float
    charge_nats: float

    @property
    def nats_per_token(self) -> float:
        return self.nats / self.tokens

    @property
    def perplexity(self) -> float:
        """Per token; infinite where the exponential is beyond a float."""
        return math.exp(self.nats_per_token) if self.nats_per_token < 700 else math.inf

    @property
    def nats_per_char(self) -> float:
        return (self.nats + self.charge_nats) / self.chars

    @property
    def bits_per_char(self) -> float:
        return self.nats_per_char / math.log(2)

    @property
    def bits_per_byte(self) -> float:
        return (self.nats + self.charge_nats) / self.bytes / math.log(2)

    @property
    def charge_share(self) -> float:
        """How much of the score per character is the charge for lost text, from 0 to 1."""
        total = self.nats + self.charge_nats
        return self.charge_nats / total if total else 0.0

    def as_json(self) -> dict[str, Any]:
        """The keys of `inkloom evaluate --json`."""
        return {
            "split": self.split,
            "tokens": self.tokens,
            "chars": self.chars,
            "bytes": self.bytes,
            "nats_per_token": self.nats_per_token,
            "nats_per_char": self.nats_per_char,
            "perplexity": self.perplexity if math.isfinite(self.perplexity) else None,
            "bits_per_char": self.bits_per_char,
            "bits_per_byte": self.bits_per_byte,
            "unknown_tokens": self.unknown_tokens,
            "charge_share": self.charge_share,
        }


@torch.inference_mode()
def score(model: LanguageModel, part: EncodedPart, advance: Advance = lambda done: None) -> Scores:
    """Score a whole split, in memory that does not grow with it.

    The precision is the caller's: float32, or what an autocast around the call says. advance: hears of tokens that are
    scored.
    """
    return _scores(part, _total(_of_text(part, _scored(model, part.ids)), advance))


@torch.inference_mode()
def score_tokens(
    model: LanguageModel, part: EncodedPart, advance: Advance = lambda done: None
) -> tuple[Scores, NDArray[np.float64]]:
    """`score`, and what it is the sum of: the nats of every token of the split, (tokens,)."""
    nats_N = np.zeros(len(part.ids) - 1)
    total = _total(_kept(nats_N, _of_text(part, _scored(model, part.ids))), advance)
    return _scores(part, total), nats_N[part.scored]


@torch.inference_mode()
def token_nats(model: LanguageModel, ids: NDArray[np.unsignedinteger[Any]]) -> NDArray[np.float64]:
    """What every token after the first costs, (len(ids) - 1,) in nats."""
    nats_T = np.zeros(len(ids) - 1)
    _total(_kept(nats_T, _scored(model, ids)))
    return nats_T


def mean_nats(model: LanguageModel, part: EncodedPart) -> float:
    """What a token of the part costs on the average, in nats, where the charge for lost text is left out."""
    return float(token_nats(model, part.ids)[part.scored].mean())


Scored: TypeAlias = Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]
"""Pairs of (places_N, nats_N): which tokens these are, and what each costs. Every token comes once, in any order."""


def _scores(part: EncodedPart, nats: float) -> Scores:
    if part.tokens == 0 or part.chars == 0:
        raise InputError(f"The {part.name} split is empty: there is nothing to score. Give a longer text.")
    return Scores(
        split=part.name,
        tokens=part.tokens,
        chars=part.chars,
        bytes=part.bytes,
        unknown_tokens=part.unknown_tokens,
        nats=nats,
        charge_nats=part.charge_nats,
    )


def _total(scored: Scored, advance: Advance = lambda done: None) -> float:
    """The sum of all nats. Always summed in the same order, so that kept nats make no other score."""
    total = 0.0
    for _, nats_N in scored:
        total += float(nats_N.sum())
        advance(len(nats_N))
    return total


def _of_text(part: EncodedPart, scored: Scored) -> Scored:
    """The same without tokens that stand for no text, such as controls."""
    if part.controls_from is None:
        yield from scored
        return
    is_scored = part.scored
    for places_N, nats_N in scored:
        kept_N = is_scored[places_N]
        yield places_N[kept_N], nats_N[kept_N]


def _kept(nats_T: NDArray[np.floating[Any]], scored: Scored) -> Scored:
    """The same, each written to its place as it goes by."""
    for places_N, nats_N in scored:
        nats_T[places_N] = nats_N
        yield places_N, nats_N


def _scored(model: LanguageModel, ids: NDArray[np.unsignedinteger[Any]]) -> Scored:
    """What every token after the first costs, some at a time, by the way that suits the model."""
    if len(ids) < 2:
        return
    if isinstance(model, ScoresTokens):
        yield from _given_tokens(model, ids, model.device)
    elif isinstance(model, CombinesParts):
        yield from _combined(model, ids)
    else:
        with evaluating(model):
            for places_BT, nats_BT in _lanes(model, ids) if model.context_window is None else _windows(model, ids):
                counted = places_BT >= 0
                yield places_BT[counted], nats_BT[counted]


def _given_tokens(model: ScoresTokens, ids: NDArray[np.unsignedinteger[Any]], device: torch.device) -> Scored:
    """Stretches of tokens, each read from WARM_UP tokens before it on, which is more than such a model looks back."""
    for start in range(0, len(ids) - 1, GIVEN_AT_ONCE):
        stop = min(start + GIVEN_AT_ONCE, len(ids) - 1)
        first = max(0, start - WARM_UP)
        nats_N = -model.token_log_probs(_tensor(ids[first : stop + 1], device)).cpu().double().numpy()
        yield np.arange(start, stop), nats_N[start - first :]


def _combined(model: CombinesParts, ids: NDArray[np.unsignedinteger[Any]]) -> Scored:
    """The parts are scored one after the other, each in its own order, and then combined in that of the text."""
    nats_of_parts = [_scratch(len(ids) - 1) for _ in model.models]
    for part, nats_T in zip(model.models, nats_of_parts, strict=True):
        _total(_kept(nats_T, _scored(part, ids)))
    for start in range(0, len(ids) - 1, GIVEN_AT_ONCE):
        stop = min(start + GIVEN_AT_ONCE, len(ids) - 1)
        log_probs_KN = -torch.from_numpy(np.stack([nats_T[start:stop] for nats_T in nats_of_parts])).double()
        before_N = _tensor(ids[start:stop], torch.device("cpu"))
        yield np.arange(start, stop), -model.combine(log_probs_KN, before_N).double().numpy()


def _scratch(tokens: int) -> NDArray[np.float32]:
    """Room for what tokens cost, on disk where it is much. Logits that decide a score are float32, and so is this."""
    if tokens <= GIVEN_AT_ONCE:
        return np.zeros(tokens, np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=(tokens,))


Read: TypeAlias = Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]
"""Pairs of (places_BT, nats_BT): which token each figure belongs to, -1 where it is not to be counted."""


def _lanes(model: LanguageModel, ids: NDArray[np.unsignedinteger[Any]]) -> Read:
    """Read lanes side by side, the state carried from chunk to chunk."""
    tokens = len(ids) - 1
    warm_up = min(WARM_UP, tokens)
    lanes = max(1, min(MAX_LANES, (tokens - warm_up) // (4 * warm_up)))
    span = -(-(tokens - warm_up) // lanes)
    starts_B = np.arange(lanes) * span
    chunk = max(1, min(CHUNK, LOGITS_AT_ONCE // (lanes * model.vocab_size)))
    state = model.initial_state(lanes)
    for offset in range(0, warm_up + span, chunk):
        offsets_T = np.arange(offset, min(offset + chunk, warm_up + span))
        places_BT = starts_B[:, None] + offsets_T
        readable_BT = np.minimum(places_BT, tokens - 1)  # the last lane may be shorter than the others
        nats_BT, state = _read(model, ids, readable_BT, state)
        counted = (places_BT < tokens) & ((offsets_T >= warm_up) | (starts_B[:, None] == 0))
        yield np.where(counted, places_BT, -1), nats_BT


def _windows(model: LanguageModel, ids: NDArray[np.unsignedinteger[Any]]) -> Read:
    """Read windows that advance by half a window; the first is scored whole, the others in their later half."""
    tokens = len(ids) - 1
    window = min(model.context_window or tokens, tokens)
    half = max(1, window // 2)
    starts = np.arange(0, max(1, tokens - window + half), half)
    rows = max(1, min(TOKENS_AT_ONCE // window, LOGITS_AT_ONCE // (window * model.vocab_size)))
    for first in range(0, len(starts), rows):
        places_BT = starts[first : first + rows, None] + np.arange(window)
        readable_BT = np.minimum(places_BT, tokens - 1)
        nats_BT, _ = _read(model, ids, readable_BT, model.initial_state(len(places_BT)))
        fresh = (places_BT[:, :1] == 0) | (np.arange(window) >= window - half)
        yield np.where((places_BT < tokens) & fresh, places_BT, -1), nats_BT


def _read(
    model: LanguageModel, ids: NDArray[np.unsignedinteger[Any]], places_BT: NDArray[np.int64], state: Any
) -> tuple[NDArray[np.float64], Any]:
    """The cost of the tokens after `places_BT`, and the state after them."""
    inputs_BT = _tensor(ids[places_BT], model.device)
    targets_BT = _tensor(ids[places_BT + 1], model.device)
    logits_BTV, state = model(inputs_BT, state)
    nats_N = functional.cross_entropy(logits_BTV.float().flatten(0, 1), targets_BT.flatten(), reduction="none")
    return nats_N.view_as(targets_BT).cpu().double().numpy(), state


def _tensor(ids_BT: NDArray[np.unsignedinteger[Any]], device: torch.device) -> Tensor:
    return torch.from_numpy(ids_BT.astype(np.int64)).to(device)
