"""How a model is fitted, whatever its family. Light on purpose: the command line reads it before PyTorch loads."""

from typing import Literal, Self

import pydantic

from inkloom.config import Config


class TrainingConfig(Config):
    """Batches, optimiser, length of training and what is written on the way."""

    batching: Literal["windows", "streams", "random_streams"] = "windows"
    """windows: shuffled windows; streams: text read in order, the state carried from step to step; random_streams:
    streams whose steps read seq_len tokens on the average, the learning rate following the length."""

    batch_size: int = pydantic.Field(16, ge=1)
    """Rows of a batch."""

    seq_len: int = pydantic.Field(128, ge=1)
    """Tokens in a row: the window of a Transformer, the reach of back-propagation in a recurrent model.
    Of pairs, a batch has at most batch_size times seq_len tokens a side."""

    budget: float | None = pydantic.Field(None, gt=0)
    """Seconds of wall time from the first work after imports to the saved best weights."""

    steps: int | None = pydantic.Field(None, ge=1)
    """Optimiser steps."""

    epochs: float | None = pydantic.Field(None, gt=0)
    """Times the train split is read; 10 where neither budget nor steps nor epochs are given."""

    optimizer: Literal["adam", "adamw", "muon", "sgd"] = "adamw"
    """muon: Muon for the hidden matrices a family names, AdamW for the rest; sgd: without momentum."""

    learning_rate: float = pydantic.Field(1e-3, gt=0)
    """The highest learning rate of the schedule, for all but the matrices that Muon updates."""

    muon_learning_rate: float = pydantic.Field(2e-2, gt=0)
    """The same for the matrices that Muon updates."""

    weight_decay: float = pydantic.Field(0.0, ge=0)
    """Decoupled for AdamW and Muon, added to the gradient for Adam and SGD; on matrices only."""

    beta1: float = pydantic.Field(0.9, ge=0, lt=1)
    """Decay of Adam's mean of gradients. Adversarial training wants little or none."""

    beta2: float = pydantic.Field(0.99, gt=0, lt=1)
    """Decay of Adam's mean of squared gradients. Short runs want less than 0.999."""

    schedule: Literal["cosine", "constant"] = "cosine"
    """Course of the learning rate after the warm-up, by share of the budget, steps or epochs done."""

    warm_up: float = pydantic.Field(0.02, ge=0, lt=1)
    """Share of the training in which the learning rate rises from 0."""

    final_learning_rate: float = pydantic.Field(0.01, ge=0, le=1)
    """Where the cosine ends, as a share of the highest learning rate."""

    clip: float | None = pydantic.Field(1.0, gt=0)
    """Largest norm of the gradient; none leaves it as it is."""

    averaging: float | None = pydantic.Field(None, gt=0, le=1)
    """Score and keep a mean of the weights over about so large a share of the steps so far, the last ones; none takes
    them as they are."""

    validations: int = pydantic.Field(10, ge=1)
    """How often val is scored in the whole training."""

    patience: int | None = pydantic.Field(None, ge=1)
    """Stop after so many validations without a better score."""

    checkpoint_seconds: float = pydantic.Field(60.0, gt=0)
    """Longest time between two resume checkpoints; one is also written at every validation."""

    samples: int = pydantic.Field(3, ge=0)
    """How many samples are written to samples.txt on the way."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """auto takes the fastest that is there, by measurement."""

    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto times a matrix product in both and takes the faster; scores are float32 in any case."""

    tensorboard: bool = False
    """Also write TensorBoard logs (needs inkloom[tensorboard])."""

    seed: int = pydantic.Field(0, ge=0, lt=2**32)
    """Of the initial weights, the order of batches, dropout and the samples."""

    @pydantic.model_validator(mode="after")
    def _one_length(self) -> Self:
        given = [name for name in ("budget", "steps", "epochs") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} were given; give one of budget, steps and epochs")
        return self
