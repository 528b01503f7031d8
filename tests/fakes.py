"""Models whose answers are known without running them."""

import torch
from torch import Tensor

from inkloom.models.base import LanguageModel


class TableModel(LanguageModel):
    """A Markov chain: the logits after a token are a row of a table. Its state counts the tokens it has read."""

    def __init__(self, log_probs_VV: Tensor, context_window: int | None = None) -> None:
        super().__init__(self.Config(), vocab_size=len(log_probs_VV))
        self.context_window = context_window
        self.log_probs_VV = torch.nn.Parameter(log_probs_VV)

    def initial_state(self, batch_size, condition=None):
        return (torch.zeros(batch_size, dtype=torch.int64),)

    def forward(self, tokens_BT, state):
        return self.log_probs_VV[tokens_BT], (state[0] + tokens_BT.shape[1],)

    def select_state(self, state, index_B):
        return (state[0][index_B],)

    def join_states(self, states):
        return (torch.cat([state[0] for state in states]),)


class ContextModel(TableModel):
    """Uniform over two tokens until it has read `needed` tokens in a row, then sure that token 1 follows.

    What it pays tells how much context every token was given.
    """

    def __init__(self, needed: int, context_window: int | None = None) -> None:
        super().__init__(torch.zeros(2, 2), context_window)
        self.needed = needed

    def forward(self, tokens_BT, state):
        B, T = tokens_BT.shape
        read_BT = state[0][:, None] + torch.arange(1, T + 1)
        logits_BTV = torch.zeros(B, T, 2)
        logits_BTV[..., 1] = torch.where(read_BT >= self.needed, 50.0, 0.0)
        return logits_BTV, (state[0] + T,)
