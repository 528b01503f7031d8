"""Linear mixture of models over one vocabulary: p(w | text) = sum over k of weight_k p_k(w | text).

F. Jelinek & R. Mercer, "Interpolated estimation of Markov source parameters from sparse data" (1980). The weights are
found by expectation maximisation on text that no part was trained on; they are the same everywhere, or depend on the
token before (`gate=token`).

Shapes: B rows, T tokens, V vocabulary, K parts, N places in a text, G sets of weights: 1, or one for each token before.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import pydantic
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inkloom.config import build
from inkloom.models.base import LanguageModel, State
from inkloom.models.stepping import Stepper, WeightType

MixtureState: TypeAlias = tuple[State, ...]
"""The state of every part."""

PRIOR = 200.0
"""Observations of the common weights that a token's own weights start from, so that rare tokens keep to them."""

MOST_ROUNDS = 500
LEAST_GAIN = 1e-7
"""Nats per token below which another round of expectation maximisation is not worth it."""


class Mixture(LanguageModel):
    """Several models as one: each reads every token, their probabilities are averaged."""

    class Config(LanguageModel.Config):
        """What is mixed, and how."""

        parts: tuple[dict[str, Any], ...] = ({"name": "lstm"}, {"name": "ngram"})
        """The models: names, separated by commas, which are trained inside the mixture's own time; --of takes runs. A
        part of a recipe may have `training`: the settings in which it differs from its family's defaults."""

        gate: Literal["common", "token"] = "common"
        """common: one set of weights; token: a set for each preceding token, drawn towards the common one."""

        weights: tuple[pydantic.PositiveFloat, ...] | None = None
        """Fixed weights, separated by commas; learned where none are given."""

        @pydantic.field_validator("parts", mode="before")
        @classmethod
        def _names_are_parts(cls, parts: Any) -> Any:
            if isinstance(parts, str):
                return tuple({"name": name.strip()} for name in parts.split(","))
            return parts

        @pydantic.field_validator("weights", mode="before")
        @classmethod
        def _text_is_a_list(cls, weights: Any) -> Any:
            return tuple(weights.split(",")) if isinstance(weights, str) else weights

        @pydantic.model_validator(mode="after")
        def _fit_together(self) -> "Mixture.Config":
            if len(self.parts) < 2:
                raise ValueError("a mixture has at least two parts")
            if self.weights is not None and len(self.weights) != len(self.parts):
                raise ValueError(f"{len(self.weights)} weights were given for {len(self.parts)} parts")
            if self.weights is not None and self.gate != "common":
                raise ValueError("weights are fixed for all tokens, so gate must be common beside them")
            return self

        def resolve(self, seq_len: int) -> Self:
            """The config with the fields of every part filled in, for the window that its family is trained with."""
            return self.replace(parts=tuple(_resolved(part, seq_len) for part in self.parts))

    config: Config

    log_weights_GK: Tensor
    """ln weight of every part, for every set of weights."""

    def __init__(self, config: Config, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        self.parts = nn.ModuleList(build_part(part, vocab_size) for part in config.parts)
        sets = vocab_size if config.gate == "token" else 1
        weights_K = torch.tensor(config.weights or [1.0] * len(config.parts))
        self.register_buffer("log_weights_GK", (weights_K / weights_K.sum()).log().repeat(sets, 1))

    def initial_state(self, batch_size: int, condition: object | None = None) -> MixtureState:
        return tuple(part.initial_state(batch_size, condition) for part in self.models)

    def forward(self, tokens_BT: Tensor, state: MixtureState) -> tuple[Tensor, MixtureState]:
        read = [part(tokens_BT, own) for part, own in zip(self.models, state, strict=True)]
        return self.mixed(tokens_BT, [logits_BTV for logits_BTV, _ in read]), tuple(own for _, own in read)

    def mixed(self, tokens: Tensor, logits_K: Sequence[Tensor]) -> Tensor:
        """ln p of every next token after these tokens, (…, V), from what each part gives, (…, V) each."""
        log_probs_K = torch.stack([logits.float().log_softmax(dim=-1) for logits in logits_K])
        log_weights_K = self.log_weights(tokens).movedim(-1, 0)
        return (log_weights_K[..., None] + log_probs_K).logsumexp(dim=0)

    def select_state(self, state: MixtureState, index_B: Tensor) -> MixtureState:
        return tuple(part.select_state(own, index_B) for part, own in zip(self.models, state, strict=True))

    def join_states(self, states: Sequence[MixtureState]) -> MixtureState:
        return tuple(part.join_states(own) for part, own in zip(self.models, zip(*states, strict=True), strict=True))

    def stepper(self, kind: WeightType = "float32") -> Stepper:
        """The parts' steppers, mixed."""
        return MixtureStepper(self, kind)

    def combine(self, log_probs_KN: Tensor, tokens_N: Tensor) -> Tensor:
        """ln p of the tokens that follow tokens_N, (N,), from what each part gives them."""
        return (self.log_weights(tokens_N).T + log_probs_KN).logsumexp(dim=0)

    def log_weights(self, tokens: Tensor) -> Tensor:
        """ln of the weights that apply after each token: its shape, and K."""
        return self.log_weights_GK[tokens if self.config.gate == "token" else torch.zeros_like(tokens)]

    def learn_weights(self, log_probs_KN: Tensor, tokens_N: Tensor) -> None:
        """Set the weights under which a text is likeliest. `log_probs_KN`: ln p of the token after each of tokens_N."""
        probs_KN = log_probs_KN.double().exp().numpy()
        common_K = likeliest_weights(probs_KN, np.zeros(len(log_probs_KN)))
        weights_GK = np.tile(common_K, (len(self.log_weights_GK), 1))
        if self.config.gate == "token":
            tokens = tokens_N.numpy()
            for token in np.unique(tokens):
                weights_GK[token] = likeliest_weights(probs_KN[:, tokens == token], PRIOR * common_K)
        self.log_weights_GK.copy_(torch.from_numpy(weights_GK).log())

    @property
    def models(self) -> list[LanguageModel]:
        """The parts."""
        return [part for part in self.parts if isinstance(part, LanguageModel)]


class MixtureStepper(Stepper):
    """Reads single tokens with the steppers of its parts."""

    def __init__(self, model: Mixture, kind: WeightType) -> None:
        super().__init__(model)
        self._mixture = model
        self._parts = [part.stepper(kind) for part in model.models]

    def adopt(self, state: State) -> MixtureState:
        return tuple(part.adopt(own) for part, own in zip(self._parts, state, strict=True))

    def read(self, tokens_B1: Tensor, state: State) -> tuple[Tensor, MixtureState]:
        read = [part.read(tokens_B1, own) for part, own in zip(self._parts, state, strict=True)]
        return self._mixture.mixed(tokens_B1[:, 0], [logits_BV for logits_BV, _ in read]), tuple(own for _, own in read)

    def prepare(self) -> None:
        for part in self._parts:
            part.prepare()

    def select_state(self, state: State, index_B: Tensor) -> MixtureState:
        return tuple(part.select_state(own, index_B) for part, own in zip(self._parts, state, strict=True))

    def join_states(self, states: Sequence[State]) -> MixtureState:
        return tuple(part.join_states(own) for part, own in zip(self._parts, zip(*states, strict=True), strict=True))


def build_part(part: Mapping[str, Any], vocab_size: int) -> LanguageModel:
    """A part from its name and its fields, as config.json holds them."""
    family, config = _family_and_config(part)
    return family(config, vocab_size)


def _resolved(part: Mapping[str, Any], seq_len: int) -> dict[str, Any]:
    family, config = _family_and_config(part)
    training = {"seq_len": seq_len, **family.training_defaults, **part.get("training", {})}
    own = {field: part[field] for field in ("name", "training") if field in part}
    return {**own, **config.resolve(int(training["seq_len"])).model_dump(mode="json")}


def _family_and_config(part: Mapping[str, Any]) -> tuple[type[LanguageModel], LanguageModel.Config]:
    from inkloom.models import MODELS

    family = MODELS.load(str(part.get("name")))
    fields = {field: value for field, value in part.items() if field not in ("name", "training")}
    return family, build(family.Config, fields, "model.parts")


def likeliest_weights(probs_KN: NDArray[np.float64], prior_K: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mixture weights under which N observations are likeliest, by expectation maximisation (Dempster et al. 1977).

    probs_KN: what each part gives each observation. prior_K: observations of each part that are added to the data's.
    """
    parts = len(probs_KN)
    weights_K = np.full(parts, 1 / parts)
    before = -np.inf
    for _ in range(MOST_ROUNDS):
        joint_KN = weights_K[:, None] * probs_KN
        total_N = np.maximum(joint_KN.sum(axis=0), np.finfo(float).tiny)
        counts_K = (joint_KN / total_N).sum(axis=1) + prior_K
        weights_K = counts_K / counts_K.sum()
        now = float(np.log(total_N).mean())
        if abs(now - before) < LEAST_GAIN:
            break
        before = now
    return np.asarray(np.maximum(weights_K, 1e-12))
