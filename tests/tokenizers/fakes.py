"""Tokenizers whose tokens are known without fitting them."""

import numpy as np

from inkloom.tokenizers.base import Encoding, Tokenizer


class _DecodesOneByOne:
    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def push(self, token):
        return self.tokenizer.text_of(token)

    def flush(self):
        return ""


class PairTokenizer(Tokenizer):
    """Two characters a token, whatever they are; nothing is unknown."""

    name = "pair"
    unknown_id = None
    end_id = 0

    def __init__(self):
        self._ids = {"": 0}
        self._texts = [""]

    @property
    def vocab_size(self):
        return len(self._texts)

    @classmethod
    def fit(cls, texts, config):
        return cls()

    def pieces(self, text):
        return [text[start : start + 2] for start in range(0, len(text), 2)]

    def encode(self, text):
        ids = []
        for piece in self.pieces(text):
            if piece not in self._ids:
                self._ids[piece] = len(self._texts)
                self._texts.append(piece)
            ids.append(self._ids[piece])
        return Encoding(np.array(ids, dtype=np.uint16), 0, 0.0)

    def encode_prompt(self, text):
        return self.encode(text).ids.tolist()

    def text_of(self, token):
        return self._texts[token]

    def decoder(self, prompt=()):
        return _DecodesOneByOne(self)

    def to_json(self):
        return {}

    @classmethod
    def from_json(cls, data):
        return cls()


class VowelLosingTokenizer(PairTokenizer):
    """What it reads has no vowels any more."""

    def pieces(self, text):
        return super().pieces("".join(character for character in text if character not in "aeiou"))
