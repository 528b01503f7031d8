"""What a user can ask of generated text."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from inkloom.config import Config

GREEDY_BELOW = 1e-5
"""A lower temperature is greedy decoding: dividing logits by it would overflow float32 before it changed a choice."""


MOST_TOKENS_PER_WORD = 40
"""Where a number of words is asked for: a model of characters may write without end and never a space."""


WITH_A_BEAM = {"beam", "max_tokens", "num_samples", "greedy", "seed"}
"""Settings that a search for the likeliest text heeds, or that make no difference to it."""


class GenerationConfig(Config):
    """How much text to write, how to choose its tokens, where to stop. The defaults sample from the model as it is."""

    max_tokens: Annotated[int, Field(ge=1)] = 200
    """The most tokens to write after the prompt; where max_words is given and this is not, 40 for each word."""

    max_words: Annotated[int, Field(ge=1)] | None = None
    """The most words to write: runs of characters without white space."""

    temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    """Divides the logits: below 1 likely tokens gain, above 1 unlikely ones do; 0 always takes the likeliest."""

    top_k: Annotated[int, Field(ge=0)] = 0
    """Choose among the K likeliest tokens only; 0 keeps all."""

    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Choose among the likeliest tokens that together reach this probability; 1 keeps all."""

    min_p: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Drop tokens less likely than this share of the likeliest one's probability; 0 keeps all."""

    repetition_penalty: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Above 1, makes tokens that the prompt or the text already holds less likely; 1 changes nothing."""

    presence_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    """Taken off the logits of tokens that have been written already; below 0 it adds."""

    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] = 0.0
    """Taken off the logits of a token for every time that it has been written; below 0 it adds."""

    logit_bias: dict[Annotated[int, Field(ge=0)], Annotated[float, Field(ge=-100, le=100)]] = Field(
        default_factory=dict
    )
    """Added to the logits of these tokens, by id."""

    greedy: bool = False
    """Always take the likeliest token, whatever the temperature."""

    beam: Annotated[int, Field(ge=1, le=1000)] = 1
    """Above 1, look for the likeliest text as a whole with so many candidates side by side; then nothing is drawn."""

    stop: tuple[str, ...] = ()
    """Texts that end a sample when they appear; they are not part of it."""

    num_samples: Annotated[int, Field(ge=1)] = 1
    """How many samples to write for each prompt."""

    weights: Literal["float32", "bfloat16", "int8"] = "float32"
    """What the model's large matrices are kept in while it writes: coarser ones are read faster, and cost a little, as
    `inkloom evaluate --weights` says."""

    seed: Annotated[int, Field(ge=0)] | None = None
    """Same seed, same text; a new one each time where none is given."""

    @model_validator(mode="before")
    @classmethod
    def _words_alone_are_not_cut_short(cls, fields: Any) -> Any:
        max_words = str(fields.get("max_words"))
        if max_words.isdecimal() and "max_tokens" not in fields:
            return {**fields, "max_tokens": max(1, MOST_TOKENS_PER_WORD * int(max_words))}
        return fields

    @field_validator("stop", mode="before")
    @classmethod
    def _one_stop_text_is_a_list_of_one(cls, stop: Any) -> Any:
        return (stop,) if isinstance(stop, str) else stop

    @field_validator("stop")
    @classmethod
    def _stop_texts_have_characters(cls, stop: tuple[str, ...]) -> tuple[str, ...]:
        if "" in stop:
            raise ValueError("A stop text needs at least one character")
        return stop

    @model_validator(mode="after")
    def _a_beam_draws_nothing(self) -> Self:
        if self.beam == 1:
            return self
        if self.num_samples > self.beam:
            raise ValueError(f"num_samples {self.num_samples} is more than the {self.beam} candidates of the beam")
        for name, field in type(self).model_fields.items():
            if name not in WITH_A_BEAM and getattr(self, name) != field.get_default(call_default_factory=True):
                raise ValueError(f"a beam looks for the likeliest text, so {name} cannot be given beside it")
        return self

    @property
    def is_greedy(self) -> bool:
        """Whether the likeliest token is taken, so that nothing is drawn."""
        return self.greedy or self.temperature < GREEDY_BELOW
