"""A run's tokenizer as API clients see it: texts in which the end token is written out."""

from collections.abc import Iterable, Sequence

from inkloom.runs.run import Run

END = "<|endoftext|>"
"""Stands for the end token in prompts and among tokens, as in the OpenAI API; to a tokenizer it has no text."""


class Vocabulary:
    """Texts to ids and back."""

    def __init__(self, run: Run) -> None:
        self._tokenizer = run.tokenizer
        self._default_prompt = run.default_prompt
        self._texts: dict[int, str] = {}
        self.end_id = run.tokenizer.end_id
        self.size = run.tokenizer.vocab_size

    def encode_prompt(self, text: str) -> list[int]:
        """The ids of a prompt; an empty one begins as `inkloom generate` does. InputError names unknown characters."""
        pieces = [self._tokenizer.encode_prompt(piece) for piece in (text or self._default_prompt).split(END)]
        return self._joined(pieces)

    def encode(self, text: str) -> list[int]:
        """The ids of a text; what the vocabulary lacks becomes its unknown token."""
        return self._joined([self._tokenizer.encode(piece).ids.tolist() for piece in text.split(END)])

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids, end tokens written out."""
        pieces: list[list[int]] = [[]]
        for token in ids:
            if token == self.end_id:
                pieces.append([])
            else:
                pieces[-1].append(token)
        return END.join(self._tokenizer.decode(piece) for piece in pieces)

    def text_of(self, token: int) -> str:
        """What a token reads as by itself."""
        if token not in self._texts:
            self._texts[token] = self.decode([token])
        return self._texts[token]

    def knows(self, text: str) -> bool:
        """Whether all of a text is in the vocabulary."""
        return self._tokenizer.encode(text).unknown_tokens == 0

    def _joined(self, pieces: Sequence[list[int]]) -> list[int]:
        first, *others = pieces
        return first + [token for piece in others for token in (self.end_id, *piece)]
