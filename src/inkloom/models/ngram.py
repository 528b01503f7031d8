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

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import pydantic
import torch
from torch import Tensor, nn

from inkloom.models.base import LanguageModel

CHUNK = 1 << 18
"""Tokens that are scored at once. Each takes 8 bytes a length and some 60 bytes more."""


class Evidence(NamedTuple):
    """What the n-grams of one length know about the next token."""

    context: tuple[int, ...]
    """The tokens they begin with."""

    counts_V: Tensor
    """How often each token followed it, as `kneser_ney` counts, int64; zeros where the tables have probabilities only."""

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

        order: Literal["auto"] | pydantic.PositiveInt = "auto"
        """Length of the longest n-grams: order - 1 tokens predict the next one; auto takes the best order on val."""

        ngrams: tuple[pydantic.NonNegativeInt, ...] = ()
        """N-grams of length 1, 2, … in the tables; filled in by estimation, whatever is given."""

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
        sizes = config.ngrams or (vocab_size,)
        self.order = len(sizes)
        self.log_probs_G = nn.Parameter(torch.full((sum(sizes),), -math.log(vocab_size)), requires_grad=False)
        self.log_backoffs = nn.Parameter(torch.zeros(1 + sum(sizes[:-1])), requires_grad=False)
        self.register_buffer("keys_G", torch.zeros(sum(sizes), dtype=torch.int64))
        self.register_buffer("counts_G", torch.zeros(sum(sizes), dtype=torch.int32))
        self.register_buffer("discounts", torch.zeros(self.order, 3))

    def initial_state(self, batch_size: int, condition: object | None = None) -> Tensor:
        """No context. A state holds the nodes of the last 1, 2, … K tokens: (batch_size, K), int64."""
        del condition
        return torch.full((batch_size, self.order - 1), -1, device=self.device)

    def forward(self, tokens_BT: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Read T tokens in every row. Returns (logits_BTV, which are log-probabilities, and the state)."""
        B, T = tokens_BT.shape
        if T == 0:
            return self.log_probs_G.new_zeros(B, T, self.vocab_size), state
        contexts_KBT = self._ngrams(tokens_BT, state, self.order - 1)
        logits_NV = self._distribution(contexts_KBT.flatten(1))
        return logits_NV.view(B, T, self.vocab_size), contexts_KBT[:, :, -1].T

    def select_state(self, state: Tensor, index_B: Tensor) -> Tensor:
        """The rows `index_B` of a state, as a copy."""
        return state[index_B.to(state.device)]

    def join_states(self, states: Sequence[Tensor]) -> Tensor:
        """One state with the rows of all, in order."""
        return torch.cat(list(states))

    def token_log_probs(self, tokens_N: Tensor) -> Tensor:
        """ln p of every token but the first, given all before it: (N - 1,). Looks up nothing but these tokens."""
        state = self.initial_state(1)
        pieces = []
        for tokens_T in tokens_N.split(CHUNK):
            ngrams_LBT = self._ngrams(tokens_T[None], state, self.order)
            log_probs_BT = self.log_probs_G[ngrams_LBT[0] - 1]
            for length in range(1, self.order):
                context_BT = _one_later(ngrams_LBT[length - 1], state[:, length - 1])
                backed_off_BT = log_probs_BT + self._log_backoffs_of(context_BT)
                ngram_BT = ngrams_LBT[length]
                log_probs_BT = torch.where(ngram_BT >= 0, self.log_probs_G[ngram_BT - 1], backed_off_BT)
            pieces.append(log_probs_BT[0])
            state = ngrams_LBT[:-1, :, -1].T
        return torch.cat(pieces)[1:]

    def evidence(self, context: Sequence[int]) -> list[Evidence]:
        """What the n-grams of each length know after `context`: lengths 1, 2, … as far as they know anything."""
        nodes = [0]
        if context:
            tokens_BT = torch.tensor([list(context)], device=self.device)
            nodes += self._ngrams(tokens_BT, self.initial_state(1), self.order - 1)[:, 0, -1].tolist()
        found = []
        for length, node in enumerate(nodes, start=1):
            start, stop = (int(place) for place in self._followers(torch.tensor(node, device=self.device)))
            if start == stop:
                break
            tokens = self.keys_G[start:stop] - node * self.vocab_size
            counts_V = torch.zeros(self.vocab_size, dtype=torch.int64, device=self.device)
            counts_V[tokens] = self.counts_G[start:stop].long()
            one, two, more = self.discounts[length - 1].tolist()
            contexts_KN = torch.tensor(nodes[1:length], dtype=torch.int64, device=self.device)[:, None]
            found.append(
                Evidence(
                    context=tuple(context[len(context) - length + 1 :]),
                    counts_V=counts_V,
                    discounts=(one, two, more),
                    backoff=math.exp(self.log_backoffs[node]),
                    probs_V=self._distribution(contexts_KN)[0].exp(),
                )
            )
        return found

    def _ngrams(self, tokens_BT: Tensor, state: Tensor, lengths: int) -> Tensor:
        """The nodes of the n-grams of 1, 2, … `lengths` tokens that end with each token, -1 where there is none."""
        ngrams_LBT = tokens_BT.new_empty(lengths, *tokens_BT.shape)
        for length in range(lengths):
            if length == 0:
                ngrams_LBT[0] = tokens_BT + 1
            else:
                context_BT = _one_later(ngrams_LBT[length - 1], state[:, length - 1])
                ngrams_LBT[length] = self._prolonged(context_BT, tokens_BT)
        return ngrams_LBT

    def _prolonged(self, nodes: Tensor, tokens: Tensor) -> Tensor:
        """The nodes of n-grams with one more token each, -1 where there is none."""
        keys = nodes * self.vocab_size + tokens
        places = torch.searchsorted(self.keys_G, keys).clamp_(max=len(self.keys_G) - 1)
        return torch.where(self.keys_G[places] == keys, places + 1, -1)

    def _followers(self, nodes: Tensor) -> tuple[Tensor, Tensor]:
        """Where in the tables the n-grams with one more token start and stop."""
        keys = nodes * self.vocab_size
        return torch.searchsorted(self.keys_G, keys), torch.searchsorted(self.keys_G, keys + self.vocab_size)

    def _log_backoffs_of(self, contexts: Tensor) -> Tensor:
        return torch.where(contexts >= 0, self.log_backoffs[contexts.clamp(min=0)], 0.0)

    def _distribution(self, contexts_KN: Tensor) -> Tensor:
        """ln p of every token, (N, V), after contexts of 1, 2, … tokens; the longest found decides on each token."""
        K, N = contexts_KN.shape
        # What a probability of a shorter n-gram passes on its way to the longest context: the back-offs from its own on.
        passed_LN = self.log_probs_G.new_zeros(K + 1, N)
        passed_LN[:K] = self._log_backoffs_of(contexts_KN).flip(0).cumsum(0).flip(0)
        log_probs_NV = self.log_probs_G[: self.vocab_size] + passed_LN[0, :, None]

        start_KN, stop_KN = self._followers(contexts_KN)
        followers_KN = stop_KN - start_KN
        end_M = followers_KN.flatten().cumsum(0)
        context_F = torch.repeat_interleave(followers_KN.flatten())  # F followers, each with its place in K x N
        place_F = torch.arange(len(context_F), device=self.device) + (stop_KN.flatten() - end_M)[context_F]
        token_F = self.keys_G[place_F] - contexts_KN.flatten()[context_F] * self.vocab_size
        cell_F = (context_F % max(N, 1)) * self.vocab_size + token_F
        value_F = self.log_probs_G[place_F] + passed_LN[1:].flatten()[context_F]
        lengths = followers_KN.sum(1).tolist()
        # Longer contexts come later and so have the last word.
        for cells, values in zip(cell_F.split(lengths), value_F.split(lengths), strict=True):
            log_probs_NV.view(-1)[cells] = values
        return log_probs_NV


def _one_later(nodes_BT: Tensor, before_B: Tensor) -> Tensor:
    """What stood before each token: the nodes one place later, `before_B` at the first."""
    return torch.cat([before_B[:, None], nodes_BT[:, :-1]], dim=1)
