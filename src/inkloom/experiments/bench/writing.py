"""How fast text is written: by packed weights and by the model itself in turn, one row and many, early and late."""

from collections.abc import Callable

import torch

from inkloom.corpus.base import Corpus
from inkloom.experiments.bench.timing import Line, rates_in_turn
from inkloom.generation import GenerationConfig
from inkloom.generation.decode import decode
from inkloom.generation.prompts import read_tokens
from inkloom.generation.samples import sample_requests
from inkloom.models.base import LanguageModel
from inkloom.models.lstm import LSTM
from inkloom.models.stepping import WeightType
from inkloom.models.transformer import Transformer
from inkloom.tokenizers.base import Tokenizer
from inkloom.tokenizers.char import CharTokenizer

TOKENS = 200
"""Of a sample, and a round."""

ROWS = 32

WINDOW = 1024

EARLY, LATE, AT_A_TIME = 10, 1000, 20
"""Positions that are compared, and tokens that are read from each on."""

KINDS: dict[str, WeightType | None] = {
    "": "float32",
    ", unpacked": None,
    ", bfloat16": "bfloat16",
    ", int8": "int8",
}


def bench_generate(corpus: Corpus, rounds: int) -> list[Line]:
    """Tokens a second of an LSTM of 512 units and of a Transformer of 6 layers of 384, with random weights."""
    tokenizer = CharTokenizer.fit((piece.text for piece in corpus.whole.pieces()), CharTokenizer.Config())
    lines: list[Line] = []
    measured = models(tokenizer.vocab_size)
    for name, model in measured.items():
        for rows in (1, ROWS):
            works = {
                f"{name}, {rows} rows{said}": writing(model, tokenizer, rows, kind) for said, kind in KINDS.items()
            }
            packed, *others = rates_in_turn(works, "tokens/s", rounds).values()
            faster = f"{packed.median / others[0].median:.1f} times unpacked"
            lines += [packed._replace(note=faster), *others]
    works = {f"{name}, from position {at:,}": reading(measured[name], at) for name in measured for at in (EARLY, LATE)}
    return lines + list(rates_in_turn(works, "tokens/s", rounds).values())


def models(vocab_size: int) -> dict[str, LanguageModel]:
    """What writes, with random weights, by name."""
    torch.manual_seed(0)
    return {
        "lstm": LSTM(LSTM.Config(), vocab_size).eval(),
        "transformer": Transformer(gpt2_sized(), vocab_size).eval(),
    }


def gpt2_sized() -> Transformer.Config:
    """10.6 million parameters in blocks laid out as GPT-2's, which other engines know, too."""
    return Transformer.Config(preset="gpt2", layers=6, width=384, heads=6, context_length=WINDOW)


def writing(
    model: LanguageModel, tokenizer: Tokenizer, rows: int, kind: WeightType | None, tokens: int | None = None
) -> Callable[[], float]:
    """Samples of so many tokens, side by side, through the decode loop, packing included; none ends sooner."""
    never_ending = {tokenizer.end_id: -100.0}
    settings = GenerationConfig(max_tokens=tokens or TOKENS, num_samples=rows, seed=0, logit_bias=never_ending)
    if kind is not None:
        model.stepper(kind).prepare()

    def work() -> float:
        return sum(len(step) for step in decode(model, tokenizer, sample_requests([[]], settings), weights=kind))

    return work


def reading(model: LanguageModel, at: int) -> Callable[[], float]:
    """Tokens read one by one by a row that has read `at` before."""
    before = torch.randint(model.vocab_size, (at,)).tolist()
    state = read_tokens(model, before)
    stepper = model.stepper()
    stepper.prepare()
    token_11, one = torch.zeros(1, 1, dtype=torch.int64), torch.tensor([0])

    @torch.inference_mode()
    def work() -> float:
        own = stepper.adopt(model.select_state(state, one))
        for _ in range(AT_A_TIME):
            _, own = stepper.read(token_11, own)
        return AT_A_TIME

    return work
