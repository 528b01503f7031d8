"""A small finished run of a GAN on a toy text, shared by all tests; those that change a run copy it."""

import random
from pathlib import Path

import pytest

import inkloom

SETTINGS = {
    "width": 8,
    "heads": 2,
    "mapping_layers": 1,
    "noise_blocks": 1,
    "blocks": 1,
    "critic_width": 8,
    "critic_heads": 2,
    "critic_layers": 1,
    "critic_blocks": 1,
    "critic_output_layers": 1,
    "critic_steps": 1,
    "output": "gumbel",
}


def overrides(**fields):
    return [f"model.{name}={value}" for name, value in {**SETTINGS, **fields}.items()]


@pytest.fixture(scope="session")
def sentences_file(tmp_path_factory) -> Path:
    """240 sentences, a line each."""
    drawn = random.Random(0)
    verbs = {"cats": ["sleep", "eat fish"], "dogs": ["bark", "eat meat"], "birds": ["sing", "fly high over the sea"]}
    lines = []
    for _ in range(240):
        subject = drawn.choice([*verbs])
        lines.append(f"{drawn.choice(['the ', ''])}{subject} {drawn.choice(verbs[subject])}\n")
    file = tmp_path_factory.mktemp("text") / "toy.txt"
    file.write_text("".join(lines), encoding="utf-8")
    return file


def train(file, out, **fields):
    """A training of a second or two."""
    training = {name: fields.pop(name) for name in ("steps", "seed", "validations", "samples") if name in fields}
    with pytest.MonkeyPatch.context() as patch:
        # One temperature and few sentences show all that the report does with a verdict.
        patch.setattr("inkloom.experiments.gan.TEMPERATURES", (1.0,))
        patch.setattr("inkloom.experiments.gan.COUNT", 20)
        return inkloom.train(
            file,
            model="gan",
            out=out,
            overrides=overrides(**fields),
            corpus_options={"documents": "lines"},
            batch_size=8,
            seq_len=6,
            device="cpu",
            precision="float32",
            **{"steps": 4, "validations": 2, "samples": 1, **training},
        )


@pytest.fixture(scope="session")
def gan_run(tmp_path_factory, sentences_file) -> Path:
    """The folder of the run."""
    out = tmp_path_factory.mktemp("runs") / "gan"
    train(sentences_file, out, pretraining=0.25, likelihood_weight=0.5)
    return out
