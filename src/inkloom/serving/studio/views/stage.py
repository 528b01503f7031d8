"""What every inside view is given: a model that reads a text, and what the page can do with it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from inkloom.explain.tokens import Tokens, tokens_of
from inkloom.models.base import LanguageModel
from inkloom.serving.engine import Engine
from inkloom.serving.studio.session import Session
from inkloom.tokenizers import Tokenizer

Result = TypeVar("Result")


@dataclass(frozen=True)
class Stage:
    """A run, the ids of the text that it reads, and the page's own actions."""

    session: Session
    engine: Engine
    ids: tuple[int, ...]

    write_on: Callable[[int, int | None], Awaitable[None]]
    """Leave the text after so many tokens, with another token where one is given, and let the model go on."""

    put: Callable[[int, int], Awaitable[None]]
    """Leave the text after so many tokens with another token, and stop there."""

    @property
    def model(self) -> LanguageModel:
        return self.engine.model

    @property
    def tokenizer(self) -> Tokenizer:
        return self.engine.tokenizer

    @property
    def tokens(self) -> Tokens:
        """The text, token by token; it may be empty."""
        return tokens_of(self.tokenizer, self.ids, least=0)

    @property
    def place(self) -> int | None:
        """The token that is looked at, where the text still has it."""
        place = self.session.place
        return place if place is not None and place < len(self.ids) else None

    async def ask(self, work: Callable[[LanguageModel, Tokenizer], Result]) -> Result:
        """What `work` makes of the model and its tokenizer, in a thread: the page and other writers go on meanwhile."""
        return await asyncio.to_thread(work, self.model, self.tokenizer)
