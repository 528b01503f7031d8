"""Models and tokenizers with known answers, behind the contracts that the decode loop relies on.

Shapes: B rows, T tokens, V vocabulary, H hidden units.
"""

import codecs

import numpy as np
import torch
from torch import nn

from inkloom.models.base import LanguageModel
from inkloom.tokenizers.base import Encoding, Tokenizer


class Markov(LanguageModel):
    """The next token depends on the last one alone, through a table of logits; there is nothing to remember."""

    def __init__(self, logits_VV):
        super().__init__(self.Config(), len(logits_VV))
        self.logits_VV = nn.Parameter(torch.as_tensor(logits_VV, dtype=torch.float32), requires_grad=False)

    def initial_state(self, batch_size, condition=None):
        return ()

    def forward(self, tokens_BT, state):
        return self.logits_VV[tokens_BT], state

    def select_state(self, state, index_B):
        return ()

    def join_states(self, states):
        return ()


class Script(LanguageModel):
    """Writes a fixed list of tokens, by counting how many it has read; over and over when it comes to the end.

    The first token it reads (the end token) and a prompt of its own words count as read words of the script.
    """

    def __init__(self, script, vocab_size):
        super().__init__(self.Config(), vocab_size)
        self.script = nn.Parameter(torch.tensor(script), requires_grad=False)
        self.rows_stepped = []

    def initial_state(self, batch_size, condition=None):
        return torch.zeros(batch_size, dtype=torch.int64)

    def forward(self, tokens_BT, state):
        self.rows_stepped.append(len(tokens_BT))
        places_BT = state[:, None] + torch.arange(tokens_BT.shape[1])
        next_BT = self.script[places_BT % len(self.script)]
        return nn.functional.one_hot(next_BT, self.vocab_size) * 100.0, state + tokens_BT.shape[1]

    def select_state(self, state, index_B):
        return state[index_B]

    def join_states(self, states):
        return torch.cat(list(states))


class TinyRNN(LanguageModel):
    """h = tanh(W h + E[token]), logits = U h, with random weights: all that was read matters.

    It writes into the state it is given, as the contract allows, so a caller that kept that state is found out.
    """

    def __init__(self, vocab_size, hidden_size=16, seed=0):
        super().__init__(self.Config(), vocab_size)
        generator = torch.Generator().manual_seed(seed)
        self.embedding_VH = nn.Parameter(torch.randn(vocab_size, hidden_size, generator=generator))
        self.recurrent_HH = nn.Parameter(torch.randn(hidden_size, hidden_size, generator=generator) * 0.3)
        self.output_HV = nn.Parameter(torch.randn(hidden_size, vocab_size, generator=generator))

    def initial_state(self, batch_size, condition=None):
        return torch.zeros(batch_size, self.recurrent_HH.shape[0])

    def forward(self, tokens_BT, state):
        logits = []
        for token_B in tokens_BT.unbind(1):
            state.copy_(torch.tanh(state @ self.recurrent_HH + self.embedding_VH[token_B]))
            logits.append(state @ self.output_HV)
        return torch.stack(logits, dim=1), state

    def select_state(self, state, index_B):
        return state[index_B]

    def join_states(self, states):
        return torch.cat(list(states))


class Pieces(Tokenizer):
    """Tokens are the given pieces of text; prompts are not split, so tests write ids."""

    name = "pieces"
    unknown_id = None
    end_id = 0

    def __init__(self, *pieces):
        self.config = self.Config()
        self.pieces = ["", *pieces]
        self.vocab_size = len(self.pieces)

    @classmethod
    def fit(cls, texts, config):
        return cls(*texts)

    def encode(self, text):
        return Encoding(np.array(self.encode_prompt(text), np.uint16), 0, 0.0)

    def encode_prompt(self, text):
        return [self.pieces.index(text)] if text else []

    def decoder(self, prompt=()):
        return PiecesDecoder(self.pieces)

    def to_json(self):
        return {"pieces": self.pieces[1:]}

    @classmethod
    def from_json(cls, data):
        return cls(*data["pieces"])


class PiecesDecoder:
    def __init__(self, pieces):
        self.pieces = pieces

    def push(self, token):
        return self.pieces[token]

    def flush(self):
        return ""


class Bytes(Pieces):
    """Tokens are the 256 bytes, so one character may take several."""

    def __init__(self):
        super().__init__(*map(chr, range(256)))

    def encode_prompt(self, text):
        return [1 + byte for byte in text.encode()]

    def decoder(self, prompt=()):
        return BytesDecoder()


class BytesDecoder:
    def __init__(self):
        self.utf8 = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, token):
        return self.utf8.decode(bytes([token - 1]) if token else b"")

    def flush(self):
        return self.utf8.decode(b"", final=True)


class Repeats(LanguageModel):
    """Writes the token that is its condition, over and over; without one, token 1."""

    def __init__(self, vocab_size):
        super().__init__(self.Config(), vocab_size)
        self.unused = nn.Parameter(torch.zeros(()))

    def initial_state(self, batch_size, condition=None):
        told = [1] * batch_size if condition is None else [int(told) for told in condition]
        assert len(told) == batch_size
        return torch.tensor(told)

    def forward(self, tokens_BT, state):
        logits_BV = nn.functional.one_hot(state, self.vocab_size) * 100.0
        return logits_BV[:, None].expand(-1, tokens_BT.shape[1], -1), state

    def select_state(self, state, index_B):
        return state[index_B]

    def join_states(self, states):
        return torch.cat(list(states))
