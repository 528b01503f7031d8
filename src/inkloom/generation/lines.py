"""Texts of one line, such as a translation or a caption: what the tokens of a row say."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from inkloom.generation.rows import Token
from inkloom.tokenizers import Tokenizer


@dataclass(frozen=True)
class Line:
    """A text of one line; whatever breaks lines is a space."""

    text: str

    token_ids: tuple[int, ...]
    """Without the end token."""

    logprob: float
    """Nats, the end token's included, under the model's own softmax."""

    @classmethod
    def of_ids(cls, tokenizer: Tokenizer, token_ids: tuple[int, ...], logprob: float, **more: Any) -> Self:
        """What ids without an end token say. more: the other fields of the class."""
        return cls(" ".join(tokenizer.decode(token_ids).split()), token_ids, logprob, **more)

    @classmethod
    def of_tokens(cls, tokenizer: Tokenizer, tokens: Sequence[Token]) -> Self:
        """What the decode loop wrote in a row."""
        token_ids = tuple(token.id for token in tokens if token.id != tokenizer.end_id)
        return cls.of_ids(tokenizer, token_ids, sum(token.logprob for token in tokens))
