"""N-gram model in the back-off form of S. Katz, "Estimation of Probabilities from Sparse Data for the Language Model
Component of a Speech Recognizer", IEEE Transactions ASSP 35 (1987), which ARPA files have too:

    p(w | context) = p of the n-gram (context, w)                     where the tables hold it,
                   = b(context) p(w | context less its first token)   where they do not,

with b = 1 for a context that nothing follows. `kneser_ney` estimates the tables, `arpa` writes and reads them.

All n-grams form one trie. Its nodes are numbered by length, then by the node of their prefix, then by their last token:
the root, which is the empty context, is 0; the token w alone is 1 + w; longer ones follow. So one sorted array, with
`prefix * V + last token` of the nodes from 1 on, answers both questions that are asked: a binary search finds the
n-gram that prolongs a context by a token, and all that follow a context stand side by side. -1 is no node: its keys are
below all others, so nothing prolongs it.

The tables hold no n-gram with an end token in its middle, so no context reaches over one: documents are independent.

Shapes: B rows, T tokens, V vocabulary, G n-grams, N places in texts, K = order - 1 tokens of context at most, L lengths
of n-grams from 1 on.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
import pydantic
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inkloom.models.base import LanguageModel

Nodes = NDArray[np.int64]
Floats = NDArray[np.float32]

CHUNK = 1 << 18
"""Tokens that are scored at once. Each takes 8 bytes a length and some 60 bytes more."""


class Evidence(NamedTuple):
    """What the n-grams of one length know about the next token."""

    context: tuple[int, ...]
    """The tokens they begin with."""

    known_V: Tensor
    """Which tokens the tables hold behind it, bool; all others are backed off for."""

    counts_V: Tensor
    """How often each token followed it, as `kneser_ney` counts, int64; zeros where only probabilities are known."""

    discounts: tuple[float, float, float]
    """What was taken off counts of 1, of 2 and of 3 or more."""

    backoff: float
    """b(context): the share of the shorter n-grams; for length 1, of the uniform distribution."""

    probs_V: Tensor
    """p(w | context), the shorter n-grams included."""


class NGram(LanguageModel):
    """Tables of how likely tokens follow contexts. They are estimated, not trained: the parameters are frozen.

    Without `config.ngrams`, which estimation fills in, it is the uniform distribution.
    """

    class Config(LanguageModel.Config):
        """How much context counts, and how large the tables are."""

        order: int | Literal["auto"] = "auto"
        """Length of the longest n-grams: order - 1 tokens predict the next one; auto takes the best order on val."""

        arpa: str | None = None
        """Take the tables from this ARPA file instead of counting; its words are those that `inkloom export` writes."""

        ngrams: tuple[pydantic.NonNegativeInt, ...] = ()
        """N-grams of length 1, 2, … in the tables; filled in by estimation, whatever is given."""

        @pydantic.field_validator("order", mode="before")
        @classmethod
        def _check_order(cls, order: object) -> object:
            if order == "auto" or (isinstance(order, int | str) and str(order).isdecimal() and int(order) > 0):
                return order
            raise ValueError("it takes a whole number from 1 on, or auto")

    config: Config

    log_probs_G: nn.Parameter
    """ln p of the nodes 1, 2, …"""

    log_backoffs: nn.Parameter
    """ln b of the nodes 0, 1, … but the longest, which are no contexts; of the root, the share of the uniform 1/V."""

    keys_G: Tensor
    """prefix * V + last token of the nodes 1, 2, …, int64, sorted."""

    counts_G: Tensor
    """The counts that `kneser_ney` made the probabilities of, int32; zeros where only those are known."""

    discounts: Tensor
    """What it took off counts of 1, of 2 and of 3 or more, for each length: (order, 3)."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.sizes = config.ngrams or (vocab_size,)
        self.order = len(self.sizes)
        G = sum(self.sizes)
        self.log_probs_G = nn.Parameter(torch.full((G,), -math.log(vocab_size)), requires_grad=False)
        self.log_backoffs = nn.Parameter(torch.zeros(1 + G - self.sizes[-1]), requires_grad=False)
        self.register_buffer("keys_G", torch.zeros(G, dtype=torch.int64))
        self.register_buffer("counts_G", torch.zeros(G, dtype=torch.int32))
        self.register_buffer("discounts", torch.zeros(self.order, 3))

    @property
    def spans(self) -> list[slice]:
        """The nodes of length 0 (the root), 1, 2, …"""
        stops = itertools.accumulate(self.sizes, initial=1)
        return [slice(start, stop) for start, stop in itertools.pairwise([0, *stops])]

    def fill(
        self,
        length: int,
        keys_G: Nodes,
        log_probs_G: NDArray[np.float64],
        log_backoffs: NDArray[np.float64],
        counts_G: Nodes | None = None,
        discounts: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None:
        """Set the n-grams of one length.

        keys_G: prefix * V + last token, sorted; the prefix is its number among the n-grams one shorter.
        log_backoffs: of the n-grams one shorter, as contexts of these.
        """
        contexts, nodes = self.spans[length - 1 : length + 1]
        places = slice(nodes.start - 1, nodes.stop - 1)
        self.keys_G[places] = torch.from_numpy(keys_G + contexts.start * self.vocab_size)
        self.log_probs_G[places] = torch.from_numpy(log_probs_G)
        self.log_backoffs[contexts] = torch.from_numpy(log_backoffs)
        self.discounts[length - 1] = torch.tensor(discounts)
        if counts_G is not None:
            self.counts_G[places] = torch.from_numpy(counts_G)

    def initial_state(self, batch_size: int, condition: object | None = None) -> Tensor:
        """No context. A state holds the nodes of the last 1, 2, … K tokens: (batch_size, K), int64."""
        del condition
        return torch.full((batch_size, self.order - 1), -1, device=self.device)

    def forward(self, tokens_BT: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read T tokens in every row. Returns (logits_BTV, which are log-probabilities, and the state)."""
        B, T = tokens_BT.shape
        if T == 0:
            return self.log_probs_G.new_zeros(B, T, self.vocab_size), state
        contexts_KBT = self._ngrams(tokens_BT.numpy(force=True), state.numpy(force=True), self.order - 1)
        log_probs_NV = self._distribution(contexts_KBT.reshape(self.order - 1, B * T))
        state = torch.tensor(contexts_KBT[:, :, -1].T, device=self.device)
        return torch.from_numpy(log_probs_NV).to(self.device).view(B, T, self.vocab_size), state

    def select_state(self, state: Tensor, index_B: Tensor) -> Tensor:
        """The rows `index_B` of a state, as a copy."""
        return state[index_B.to(state.device)]

    def join_states(self, states: Sequence[Tensor]) -> Tensor:
        """One state with the rows of all, in order."""
        return torch.cat(list(states))

    def token_log_probs(self, tokens_N: Tensor) -> Tensor:
        """ln p of every token but the first, given all before it: (N - 1,). Looks up nothing but these tokens."""
        tables = self._tables
        ids_N = tokens_N.numpy(force=True)
        log_probs_N = np.empty(len(ids_N), np.float32)
        state_1K = self.initial_state(1).numpy(force=True)
        for start in range(0, len(ids_N), CHUNK):
            ngrams_L1T = self._ngrams(ids_N[None, start : start + CHUNK], state_1K, self.order)
            log_probs_1T = tables.log_probs_G[ngrams_L1T[0] - 1]
            for length in range(1, self.order):
                contexts_1T = _one_later(ngrams_L1T[length - 1], state_1K[:, length - 1 : length])
                log_probs_1T += tables.log_backoffs_of(contexts_1T)
                found_1T = ngrams_L1T[length] >= 0
                log_probs_1T[found_1T] = tables.log_probs_G[ngrams_L1T[length][found_1T] - 1]
            log_probs_N[start : start + CHUNK] = log_probs_1T[0]
            state_1K = ngrams_L1T[:-1, :, -1].T
        return torch.from_numpy(log_probs_N[1:]).to(self.device)

    def evidence(self, context: Sequence[int]) -> list[Evidence]:
        """What the n-grams of each length know after `context`: lengths 1, 2, … as far as they know anything."""
        tables = self._tables
        ids_1T = np.array([context], np.int64)
        nodes_K = self._ngrams(ids_1T, self.initial_state(1).numpy(force=True), self.order - 1)[:, 0, -1:].flatten()
        found = []
        for length, node in enumerate([0, *nodes_K.tolist()], start=1):
            start, stop = tables.followers(np.array(node))
            if start == stop:
                break
            known_V, counts_V = np.zeros(self.vocab_size, np.bool_), np.zeros(self.vocab_size, np.int64)
            followers = tables.keys_G[start:stop] - node * self.vocab_size
            known_V[followers], counts_V[followers] = True, tables.counts_G[start:stop]
            one, two, more = self.discounts[length - 1].tolist()
            log_probs_NV = self._distribution(nodes_K[: length - 1, None])
            found.append(
                Evidence(
                    context=tuple(context[len(context) - length + 1 :]),
                    known_V=torch.from_numpy(known_V),
                    counts_V=torch.from_numpy(counts_V),
                    discounts=(one, two, more),
                    backoff=math.exp(tables.log_backoffs[node]),
                    probs_V=torch.from_numpy(log_probs_NV[0]).exp(),
                )
            )
        return found

    @property
    def _tables(self) -> "_Tables":
        """The tables as arrays, without a copy where they lie in the processor's memory."""
        return _Tables(
            self.vocab_size,
            *(table.numpy(force=True) for table in (self.keys_G, self.log_probs_G, self.log_backoffs, self.counts_G)),
        )

    def _ngrams(self, ids_BT: Nodes, state_BK: Nodes, lengths: int) -> Nodes:
        """The nodes of the n-grams of 1, 2, … `lengths` tokens that end with each token, (lengths, B, T)."""
        tables = self._tables
        ngrams_LBT = np.empty((lengths, *ids_BT.shape), np.int64)
        for length in range(lengths):
            if length == 0:
                ngrams_LBT[0] = ids_BT + 1
            else:
                contexts_BT = _one_later(ngrams_LBT[length - 1], state_BK[:, length - 1 : length])
                ngrams_LBT[length] = tables.prolonged(contexts_BT, ids_BT)
        return ngrams_LBT

    def _distribution(self, contexts_KN: Nodes) -> Floats:
        """ln p of every token, (N, V), after contexts of 1, 2, … tokens."""
        tables = self._tables
        K, N = contexts_KN.shape
        # What a shorter n-gram's probability loses on its way to the longest context: the back-offs of all in between.
        lost_LN = np.zeros((K + 1, N), np.float32)
        lost_LN[:K] = np.cumsum(tables.log_backoffs_of(contexts_KN)[::-1], axis=0)[::-1]
        log_probs_NV = tables.log_probs_G[: self.vocab_size] + lost_LN[0, :, None]
        for contexts_N, lost_N in zip(contexts_KN, lost_LN[1:], strict=True):
            start_N, stop_N = tables.followers(contexts_N)
            followers_N = stop_N - start_N
            row_F = np.repeat(np.arange(N), followers_N)  # F followers of all contexts
            place_F = np.arange(len(row_F)) + (stop_N - np.cumsum(followers_N))[row_F]
            token_F = tables.keys_G[place_F] - contexts_N[row_F] * self.vocab_size
            log_probs_NV[row_F, token_F] = tables.log_probs_G[place_F] + lost_N[row_F]
        return log_probs_NV


class _Tables(NamedTuple):
    vocab_size: int
    keys_G: NDArray[np.int64]
    log_probs_G: Floats
    log_backoffs: Floats
    counts_G: NDArray[np.int32]

    def prolonged(self, nodes: Nodes, ids: Nodes) -> Nodes:
        """The nodes of n-grams with one more token each, -1 where the tables lack them."""
        keys = nodes * self.vocab_size + ids
        places = np.searchsorted(self.keys_G, keys)
        return np.where(self.keys_G.take(places, mode="clip") == keys, places + 1, -1)

    def followers(self, nodes: Nodes) -> tuple[Nodes, Nodes]:
        """Where the n-grams with one more token start and stop in the tables."""
        keys = nodes * self.vocab_size
        return np.searchsorted(self.keys_G, keys), np.searchsorted(self.keys_G, keys + self.vocab_size)

    def log_backoffs_of(self, nodes: Nodes) -> Floats:
        """ln b of contexts; 0 for those that the tables lack."""
        return np.where(nodes >= 0, self.log_backoffs[nodes], np.float32(0))


def _one_later(nodes_BT: Nodes, before_B1: Nodes) -> Nodes:
    """What stood before each token: the nodes one place later, `before_B1` at the first."""
    return np.concatenate([before_B1, nodes_BT[:, :-1]], axis=1)
