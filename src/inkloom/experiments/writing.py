"""What models write when they go on from the same places of the held-out text in the same ways, and its measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inkloom.corpus.base import Part
from inkloom.evaluation.copying import CopyIndex, CopyLevel, held_out_level, mean_level
from inkloom.evaluation.text_metrics import TextMetrics, TrainText, held_out_pieces, text_metrics
from inkloom.generation import GenerationConfig
from inkloom.generation.decode import decode
from inkloom.generation.rows import Request
from inkloom.generation.sampling import generator_of_sample
from inkloom.runs.run import Run

PROMPTS = 20
"""Places of the held-out text to go on from. Self-BLEU and the rate of loops need several texts."""

PROMPT_CHARS = 60

TOKENS = 200
WORDS = 40
"""As much as TOKENS characters of English, where tokens are not of one length."""

SEED = 0

SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "Greedy": {"greedy": True},
    "Temperature 0.8": {"temperature": 0.8},
    "Top-k 10": {"top_k": 10},
}
"""By the name that the reader sees. 10 of the 65 characters of a play are kept at each step by the last one."""


@dataclass(frozen=True)
class Written:
    """What one model writes in one way."""

    name: str
    """For the reader."""

    texts: tuple[str, ...]
    """One for each prompt, without it."""

    metrics: TextMetrics
    copies: CopyLevel


@dataclass(frozen=True)
class Yardstick:
    """The same measures of held-out text, in pieces as long as the samples."""

    metrics: TextMetrics
    copies: CopyLevel


@dataclass(frozen=True)
class Writings:
    """Everything that was written, by the way in which tokens were chosen."""

    prompts: tuple[str, ...]
    by_setting: Mapping[str, tuple[Written, ...]]
    yardstick: Yardstick

    def as_json(self) -> dict[str, Any]:
        """The measures, by setting and model."""
        return {
            "held_out": _as_json(self.yardstick),
            **{
                setting: {written.name: _as_json(written) for written in writings}
                for setting, writings in self.by_setting.items()
            },
        }


def write_texts(runs: Mapping[str, Run], train: Part, held_out: Part) -> Writings:
    """Let the run of each model, by its name for the reader, go on from the same prompts.

    Each writes so many tokens, or words where the runs have different tokenizers. The same runs write the same texts.
    """
    prompts = prompts_from(held_out, list(runs.values()))
    one_tokenizer = len({run.tokenizer.name for run in runs.values()}) == 1
    length = {"max_tokens": TOKENS} if one_tokenizer else {"max_words": WORDS, "max_tokens": 2 * TOKENS}
    train_text, index = TrainText.of(train), CopyIndex(train)
    by_setting = {}
    yardstick = None
    for setting, fields in SETTINGS.items():
        config = GenerationConfig(seed=SEED, **length, **fields)
        writings = []
        for name, run in runs.items():
            texts = continuations(run, prompts, config)
            measured = text_metrics([text or " " for text in texts], held_out, train_text)
            copies = mean_level([index.report(text).level for text in texts])
            writings.append(Written(name, tuple(texts), measured.samples, copies))
            chars = max(1, *map(len, texts))
            yardstick = yardstick or Yardstick(measured.held_out, held_out_level(index, held_out, chars))
        by_setting[setting] = tuple(writings)
    assert yardstick is not None, "there is a model, and a setting"
    return Writings(tuple(prompts), by_setting, yardstick)


def prompts_from(held_out: Part, runs: Sequence[Run], count: int = PROMPTS) -> list[str]:
    """Beginnings at equal distances in the held-out text, each from a line's start to the end of one or of a word.

    Those with text outside a run's vocabulary are left out; where none is left, the first run's own beginning remains.
    """
    pieces = held_out_pieces(held_out, [5 * PROMPT_CHARS] * count)
    begun = [piece if held_out.documents else piece[piece.find("\n") + 1 :] for piece in pieces]
    prompts = [_cut(text.lstrip("\n")) for text in begun]
    known = [
        prompt
        for prompt in prompts
        if prompt.strip() and all(run.tokenizer.encode(prompt).unknown_tokens == 0 for run in runs)
    ]
    return known or [runs[0].default_prompt]


def continuations(run: Run, prompts: Sequence[str], config: GenerationConfig) -> list[str]:
    """What a run writes after each prompt, each text with random numbers of its own.

    `generate` draws the same ones for the first sample of every prompt, which makes texts more alike than they are.
    """
    seed = config.seed or 0
    requests = [
        Request(run.tokenizer.encode_prompt(prompt), config, generator_of_sample(seed, number))
        for number, prompt in enumerate(prompts)
    ]
    texts = [""] * len(requests)
    for step in decode(run.model, run.tokenizer, requests):
        for token in step:
            texts[token.request] += token.text
    return texts


def _cut(text: str) -> str:
    """The beginning of a text, to the end of a line where there is one within PROMPT_CHARS, else of a word."""
    head = text[: PROMPT_CHARS + 1]
    line_end = head.rfind("\n") + 1
    if line_end > 1:
        return head[:line_end]
    words = head.rsplit(maxsplit=1)
    return words[0] if len(text) > PROMPT_CHARS and len(words) > 1 else head[:PROMPT_CHARS]


def _as_json(measured: Written | Yardstick) -> dict[str, Any]:
    return {**measured.metrics.as_json(), "copies": measured.copies.as_json()}
