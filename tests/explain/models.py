"""Small models of every family over a small alphabet, with weights far enough from zero that everything matters."""

import numpy as np
import torch

from inkloom.models.gru import GRU
from inkloom.models.kneser_ney import count_ngrams, estimate
from inkloom.models.lstm import LSTM
from inkloom.models.mixture import Mixture
from inkloom.models.rnn import RNN
from inkloom.models.transformer import Transformer
from inkloom.models.unmasked import Unmasked
from inkloom.tokenizers.char import CharTokenizer

LINES = 'the cat sat on the mat\n"A cat," said Ann (who sat), "is 1 of 2."\nthe cat ran off\n'
TOKENIZER = CharTokenizer.fit([LINES], CharTokenizer.Config())
V = TOKENIZER.vocab_size
TEXT = 'Ann sat on "the mat"\nthe cat ran'


def varied(model):
    """The model in evaluation mode with noise on every weight."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def recurrent(family=LSTM, layers=2):
    torch.manual_seed(0)
    return varied(family(family.Config(embedding_size=6, hidden_size=9, layers=layers), V))


def transformer(family=Transformer, preset="qwen3", window=40):
    torch.manual_seed(0)
    return varied(
        family(family.Config(preset=preset, layers=2, width=16, heads=2, context_length=window, dropout=0.2), V)
    )


def ngram(order=4):
    counts = count_ngrams(np.concatenate([[TOKENIZER.end_id], TOKENIZER.encode(LINES).ids]), V, TOKENIZER.end_id)
    return estimate([next(counts) for _ in range(order)], V).eval()


def mixture(gate="common"):
    parts = ({"name": "rnn", "hidden_size": 8, "embedding_size": 4}, {"name": "gru", "hidden_size": 8})
    torch.manual_seed(0)
    model = varied(Mixture(Mixture.Config(parts=parts, gate=gate), V))
    weights_GK = torch.rand(model.log_weights_GK.shape) + 0.1
    model.log_weights_GK.copy_((weights_GK / weights_GK.sum(1, keepdim=True)).log())
    return model


MODELS = {
    "lstm": recurrent,
    "gru": lambda: recurrent(GRU),
    "rnn": lambda: recurrent(RNN),
    "transformer": transformer,
    "unmasked": lambda: transformer(Unmasked),
    "ngram": ngram,
    "mixture": mixture,
}


def log_probs(model, text):
    """ln p of the whole vocabulary before every token of a text and after the last, (T + 1, V), by one call."""
    ids = [TOKENIZER.end_id, *TOKENIZER.encode_prompt(text)]
    with torch.no_grad():
        logits_BTV, _ = model(torch.tensor([ids]), model.initial_state(1))
    return logits_BTV[0].log_softmax(-1)
