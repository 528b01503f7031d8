"""The distribution that the next token is drawn from: as the model gives it, and as the settings shape it.

The filters are those of `inkloom.generation`, applied by its `Sampler`, so what is shown is what is drawn.

Shapes: T tokens of the text, V vocabulary, K tokens shown.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from inkloom.explain.tokens import Floats, Ints, Text, Tokens, label, logits_before, tokens_of
from inkloom.generation.sampling import Sampler
from inkloom.generation.settings import GenerationConfig
from inkloom.models.base import LanguageModel
from inkloom.tokenizers.base import Tokenizer

NO_FILTERS = {"top_k": 0, "top_p": 1.0, "min_p": 0.0}


@dataclass(frozen=True)
class NextToken:
    """What may follow a text. Tokens are sorted by the model's own probabilities, the likeliest first."""

    tokens: Tokens
    """The text."""

    ids_V: Ints
    """The vocabulary, sorted."""

    top_texts: tuple[str, ...]
    """What the first K of them read as."""

    logits_V: Floats
    """What the model gives each of them."""

    settings: GenerationConfig
    never: int | None
    """The token that is never drawn, since it stands for no text."""

    @property
    def probs_V(self) -> Floats:
        """The model's own distribution."""
        return torch.from_numpy(self.logits_V).softmax(dim=-1).numpy()

    @property
    def tempered_V(self) -> Floats:
        """After the penalties and the temperature, before anything is dropped."""
        return self._under(self.settings.replace(**NO_FILTERS))

    @property
    def drawn_V(self) -> Floats:
        """What the sampler draws from: 0 where a filter drops a token; all on one where it is greedy."""
        return self._under(self.settings)

    @property
    def kept(self) -> int:
        """How many tokens may be drawn."""
        return int((self.drawn_V > 0).sum())

    def under(self, settings: GenerationConfig) -> "NextToken":
        """The same prediction under other settings; the model is not asked again."""
        return replace(self, settings=settings)

    def as_json(self) -> dict[str, Any]:
        """The K likeliest, and how many may be drawn."""
        K = len(self.top_texts)
        columns = (self.ids_V, self.probs_V, self.tempered_V, self.drawn_V)
        rows = zip(*(column[:K].tolist() for column in columns), self.top_texts, strict=True)
        return {
            "tokens": list(self.tokens.texts),
            "settings": self.settings.model_dump(mode="json"),
            "kept": self.kept,
            "likeliest": [
                {"id": token, "text": text, "prob": prob, "tempered": tempered, "drawn": drawn}
                for token, prob, tempered, drawn, text in rows
            ],
        }

    def _under(self, settings: GenerationConfig) -> Floats:
        """The sampler's distribution, sorted as `ids_V` are."""
        sampler = Sampler([settings], [torch.Generator()], [self.tokens.ids.tolist()], len(self.ids_V), self.never)
        logits_1V = torch.empty(1, len(self.ids_V))
        logits_1V[0, torch.from_numpy(self.ids_V)] = torch.from_numpy(self.logits_V)
        scores_V = sampler.filter(logits_1V)[0]
        if settings.is_greedy:
            probs_V = torch.nn.functional.one_hot(scores_V.argmax(), len(scores_V)).float()
        else:
            probs_V = scores_V.softmax(dim=-1)
        return probs_V.numpy()[self.ids_V]


def next_token(
    model: LanguageModel,
    tokenizer: Tokenizer,
    text: Text,
    settings: GenerationConfig | None = None,
    top: int = 20,
) -> NextToken:
    """What may follow a text, which may be empty, under `settings`; with the texts of the `top` likeliest tokens.

    The text counts as a prompt: penalties on what has been written after one change nothing.

    Raises InputError for a text that the tokenizer does not know.
    """
    tokens = tokens_of(tokenizer, text, least=0)
    *_, (_, logits_NV) = logits_before(model, tokenizer.end_id, np.append(tokens.ids, tokenizer.end_id))
    logits_V = logits_NV[-1].numpy()
    ids_V = np.argsort(-logits_V, kind="stable")
    return NextToken(
        tokens=tokens,
        ids_V=ids_V,
        top_texts=tuple(label(tokenizer, token) for token in ids_V[:top].tolist()),
        logits_V=logits_V[ids_V],
        settings=settings or GenerationConfig(),
        never=tokenizer.unknown_id,
    )
