"""What shows the work of the causal mask: losses, samples and attention of two twins, one trained without it.

Shapes: B windows, T tokens of a window, L layers, H heads, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from inkloom.corpus.base import Corpus, Part
from inkloom.data import encode_part
from inkloom.experiments.history import Course, read_course
from inkloom.explain.attention import attention_maps
from inkloom.generation import GenerationConfig, generate
from inkloom.models.transformer import Transformer, causal_bias
from inkloom.runs.parts import cut
from inkloom.runs.run import Run, build_model
from inkloom.tokenizers import Ids, Tokenizer
from inkloom.training.callbacks.checkpoints import SafeCheckpointIO

SAMPLES: Mapping[str, Mapping[str, Any]] = {"Temperature 0.8": {"temperature": 0.8}, "Greedy": {"greedy": True}}
"""By the name that the reader sees."""

SAMPLE_TOKENS = 300
SAMPLE_SEED = 1

LINE_LENGTHS = range(16, 27)
"""Characters of the line whose attention is drawn: few enough to stand along the sides of a map."""

MOST_WINDOWS = 512
"""Of val, in which the loss is taken place by place: its mean at one place is good to a tenth of a nat then."""

WINDOWS_AT_ONCE = 32

EXAMPLE_SIZE = 5


@dataclass(frozen=True)
class Twin:
    """One of the two: its run, and what its last weights do.

    A run keeps the weights that were best on val. What training does to a model is seen in the last ones.
    """

    run: Run
    course: Course
    samples: Mapping[str, str]
    """How it goes on after the line, by the name of the way."""

    maps_LHTT: NDArray[np.float32]
    """Where every head looks while it reads the line, in training."""

    loss_T: NDArray[np.float64]
    """Nats at each place of val's windows, read as in training; empty where val is shorter than a window."""

    @property
    def final_training_loss(self) -> float:
        """Nats per token, the mean of the last twentieth of the training."""
        losses = self.course.train_loss[np.isfinite(self.course.train_loss)]
        return float(losses[-max(1, len(losses) // 20) :].mean())

    @property
    def lowest_val(self) -> float:
        """Nats per token, scored by the protocol on the way."""
        return float(np.nanmin(self.course.val_loss))

    @property
    def final_val(self) -> float:
        """The same at the end."""
        return float(self.course.val_loss[np.isfinite(self.course.val_loss)][-1])

    @property
    def future_share(self) -> float:
        """Of all attention, what goes to later places."""
        return float(np.triu(self.maps_LHTT, 1).sum() / self.maps_LHTT.sum())

    def head_for(self, offset: int) -> tuple[int, int, float]:
        """The layer and head that look most at the place `offset` further on, and the mean weight that it gets."""
        weights_LH = self.maps_LHTT.diagonal(offset, axis1=2, axis2=3).mean(axis=-1)
        layer, head = np.unravel_index(weights_LH.argmax(), weights_LH.shape)
        return int(layer), int(head), float(weights_LH.max())

    def as_json(self) -> dict[str, Any]:
        scores = self.run.summary()
        layer, head, weight = self.head_for(1)
        return {
            **{name: scores[name] for name in ("run", "model", "parameters", "steps", "seconds")},
            "training_loss": self.final_training_loss,
            "val_lowest": self.lowest_val,
            "val_at_end": self.final_val,
            **{name: scores[name] for name in ("val", "test") if name in scores},
            "loss_by_place": {"all_but_last": _mean(self.loss_T[:-1]), "last": _mean(self.loss_T[-1:])},
            "attention_to_later": self.future_share,
            "attention_to_next": {"layer": layer + 1, "head": head + 1, "weight": weight},
        }


@dataclass(frozen=True)
class Example:
    """The mask at work on a few numbers, all (EXAMPLE_SIZE, EXAMPLE_SIZE)."""

    text: str
    scores_TT: NDArray[np.float32]
    bias_TT: NDArray[np.float32]
    masked_TT: NDArray[np.float32]
    unmasked_TT: NDArray[np.float32]


@dataclass(frozen=True)
class Evidence:
    """All that the page shows."""

    corpus: str
    line: str
    masked: Twin
    unmasked: Twin
    example: Example

    def as_json(self) -> dict[str, Any]:
        return {"corpus": self.corpus, "masked": self.masked.as_json(), "unmasked": self.unmasked.as_json()}


def examine(masked: Run, unmasked: Run, corpus: Corpus) -> Evidence:
    """Look at two finished runs of one text."""
    val = cut(corpus, masked.config.split)["val"]
    line = line_of(val, masked.tokenizer)
    return Evidence(
        corpus=corpus.name,
        line=line,
        masked=_twin(masked, val, line),
        unmasked=_twin(unmasked, val, line),
        example=example(line[:EXAMPLE_SIZE]),
    )


def line_of(part: Part, tokenizer: Tokenizer) -> str:
    """The first line of a handy length that the tokenizer knows; the beginning of the text where there is none."""
    for text in part.texts:
        for line in text.splitlines():
            if len(line) in LINE_LENGTHS and tokenizer.encode(line).unknown_tokens == 0:
                return line
    return part.texts[0][: LINE_LENGTHS[-1]]


def example(text: str) -> Example:
    """Scores such as queries and keys give them, with and without the mask.

    They are drawn, not learned, and rounded so that they can be followed by hand.
    """
    length = len(text)
    scores_TT = torch.randn(length, length, generator=torch.Generator().manual_seed(0)).mul(1.2).round(decimals=1)
    bias_TT = causal_bias(length, length, scores_TT)
    return Example(
        text,
        scores_TT.numpy(),
        bias_TT.numpy(),
        (scores_TT + bias_TT).softmax(dim=-1).numpy(),
        scores_TT.softmax(dim=-1).numpy(),
    )


def _twin(run: Run, val: Part, line: str) -> Twin:
    course = read_course(run.directory.metrics_file)
    assert course is not None  # a Transformer is trained by steps
    model = last_weights(run)
    tokens_1T = torch.from_numpy(run.tokenizer.encode(line).ids.astype(np.int64))[None, : model.window]
    return Twin(
        run=run,
        course=course,
        samples={name: _sample(model, run.tokenizer, line, fields) for name, fields in SAMPLES.items()},
        maps_LHTT=attention_maps(model.train(), tokens_1T).numpy(),
        loss_T=loss_by_place(model.train(), encode_part(run.tokenizer, val).ids, int(run.config.training["seq_len"])),
    )


def last_weights(run: Run) -> Transformer:
    """The model as it was after the last step."""
    model = build_model(run.config, run.tokenizer)
    assert isinstance(model, Transformer)
    checkpoint = SafeCheckpointIO().load_checkpoint(run.directory.last_checkpoint)
    model.load_state_dict({name.removeprefix("model."): value for name, value in checkpoint["state_dict"].items()})
    return model


def _sample(model: Transformer, tokenizer: Tokenizer, prompt: str, fields: Mapping[str, Any]) -> str:
    config = GenerationConfig(max_tokens=SAMPLE_TOKENS, seed=SAMPLE_SEED, **fields)
    (sample,) = generate(model, tokenizer, prompt, config)
    return sample.text


@torch.no_grad()
def loss_by_place(model: Transformer, ids: Ids, window: int) -> NDArray[np.float64]:
    """The mean loss at each place of windows cut from `ids`, side by side, in the mode the model is in: nats, (T,)."""
    windows = min((len(ids) - 1) // window, MOST_WINDOWS)
    starts_B = window * np.arange(windows)
    tokens_BT = torch.from_numpy(ids[starts_B[:, None] + np.arange(window + 1)].astype(np.int64))
    pieces = [tokens_BT[start : start + WINDOWS_AT_ONCE] for start in range(0, windows, WINDOWS_AT_ONCE)]
    parts = [_losses(model, piece_BT) for piece_BT in pieces]
    return torch.cat(parts).double().mean(dim=0).numpy() if windows else np.empty(0)


def _losses(model: Transformer, tokens_BT: Tensor) -> Tensor:
    logits_BTV, _ = model(tokens_BT[:, :-1], model.initial_state(len(tokens_BT)))
    return functional.cross_entropy(logits_BTV.transpose(1, 2), tokens_BT[:, 1:], reduction="none")


def _mean(losses: NDArray[np.float64]) -> float | None:
    """None where there is nothing, for JSON."""
    return float(losses.mean()) if len(losses) else None
