"""The yardstick: the same networks as plain torch.nn modules, trained in float32 with AdamW, as tutorials do.

Shapes: B rows, T tokens, V vocabulary, C width.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from inkloom.models.lstm import LSTM
from inkloom.models.transformer import Transformer


class PlainLSTM(nn.Module):
    """Embedding, LSTM, linear layer, with dropout between."""

    def __init__(self, config: LSTM.Config, vocab_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, config.embedding_size)
        self.lstm = nn.LSTM(config.embedding_size, config.hidden_size, config.layers, batch_first=True)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.hidden_size, vocab_size)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """logits_BTV."""
        h_BTH, _ = self.lstm(self.dropout(self.embedding(tokens_BT)))
        logits_BTV: Tensor = self.head(self.dropout(h_BTH))
        return logits_BTV


class PlainTransformer(nn.Module):
    """torch's own encoder layers under a causal mask, as many parameters in each block as inkloom's."""

    def __init__(self, config: Transformer.Config, vocab_size: int, seq_len: int) -> None:
        super().__init__()
        width = config.width
        hidden = round(4.5 * width)  # in two matrices what SwiGLU has in three of 3 times the width
        block = nn.TransformerEncoderLayer(
            width, config.heads, hidden, config.dropout, functional.gelu, batch_first=True, norm_first=True
        )
        self.embedding = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(seq_len, width)
        self.blocks = nn.TransformerEncoder(block, config.layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, vocab_size, bias=False)

    def forward(self, tokens_BT: Tensor) -> Tensor:
        """logits_BTV."""
        length = tokens_BT.shape[1]
        mask_TT = torch.full((length, length), -math.inf).triu(1)
        x_BTC = self.embedding(tokens_BT) + self.positions(torch.arange(length))
        logits_BTV: Tensor = self.head(self.blocks(x_BTC, mask=mask_TT, is_causal=True))
        return logits_BTV


def plain_step(model: nn.Module, optimizer: torch.optim.Optimizer, inputs_BT: Tensor, targets_BT: Tensor) -> None:
    """One step of plain training."""
    optimizer.zero_grad()
    loss = functional.cross_entropy(model(inputs_BT).flatten(0, 1), targets_BT.flatten())
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
