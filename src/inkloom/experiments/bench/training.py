"""How fast the families train, beside the same networks in a plain loop, and what share of the machine that is."""

from collections.abc import Callable

import torch
from torch import nn

from inkloom.corpus.base import Corpus
from inkloom.corpus.splits import split_corpus
from inkloom.data import encode_part
from inkloom.data.batches import BATCHINGS, BatchSource
from inkloom.experiments.bench.plain import PlainLSTM, PlainTransformer, plain_step
from inkloom.experiments.bench.timing import Line, rates_in_turn
from inkloom.models.base import LanguageModel, detach_state
from inkloom.models.lstm import LSTM
from inkloom.models.transformer import Transformer
from inkloom.tokenizers.char import CharTokenizer
from inkloom.training.config import TrainingConfig
from inkloom.training.machine import Machine, choose, keep_memory, product_rate
from inkloom.training.optimizers import build_optimizer

STEPS = 20
"""Of a round."""


def configs() -> tuple[LSTM.Config, Transformer.Config]:
    """What is trained: the defaults."""
    return LSTM.Config(), Transformer.Config()


def bench_train(corpus: Corpus, rounds: int) -> list[Line]:
    """Tokens a second of the default LSTM and Transformer in training, each followed by its plain twin."""
    keep_memory()
    machine = choose(TrainingConfig(device="cpu"))
    best = product_rate("cpu", torch.bfloat16)
    part = split_corpus(corpus)["train"]
    tokenizer = CharTokenizer.fit((piece.text for piece in part.pieces()), CharTokenizer.Config())
    ids = encode_part(tokenizer, part).ids
    lines = []
    families: tuple[type[LanguageModel], ...] = (LSTM, Transformer)
    for family, config in zip(families, configs(), strict=True):
        settings = TrainingConfig.model_validate(dict(family.training_defaults))
        seq_len = min(settings.seq_len, len(ids) - 1)
        source = BATCHINGS.load(settings.batching)(ids, settings.batch_size, seq_len, 0)
        model = family(config.resolve(seq_len), tokenizer.vocab_size)
        name = family.__name__.lower()
        works = {
            f"{name}, inkloom": _steps(_own_step(model, settings, machine), source),
            f"{name}, plain float32 loop": _steps(_plain_step(_twin(model, seq_len)), source),
        }
        own, plain = rates_in_turn(works, "tokens/s", rounds).values()
        share = own.median * operations_per_token(model, seq_len) / best / 1e9
        faster = f"{own.median / plain.median:.2f} times the plain loop; "
        lines += [own._replace(note=f"{faster}{share:.0%} of {best:,.0f} GFLOP/s in bfloat16, measured"), plain]
    return lines


def operations_per_token(model: LanguageModel, seq_len: int) -> float:
    """Floating-point operations that training on one token takes: 6 for each weight of a product (2 forward, 4 back),
    and for a Transformer the products of attention, over half a window on the average."""
    looked_up = {"embedding.weight"} if getattr(model, "head", None) is not None else set()
    weights = sum(
        weight.numel() for name, weight in model.named_parameters() if weight.ndim == 2 and name not in looked_up
    )
    attention = 6 * model.config.layers * model.config.width * seq_len if isinstance(model, Transformer) else 0
    return 6.0 * weights + attention


Step = Callable[[torch.Tensor, torch.Tensor, bool], None]


def _steps(step: Step, source: BatchSource) -> Callable[[], float]:
    """STEPS steps on, a round."""
    batches = source.batches_from(0)

    def work() -> float:
        tokens = 0
        for _ in range(STEPS):
            batch = next(batches)
            step(batch.inputs_BT, batch.targets_BT, batch.carries)
            tokens += batch.inputs_BT.numel()
        return tokens

    return work


def _own_step(model: LanguageModel, settings: TrainingConfig, machine: Machine) -> Step:
    """A step as inkloom trains, without Lightning, which takes 2 % more."""
    optimizer = build_optimizer(model, settings)
    carried = None

    def step(inputs_BT: torch.Tensor, targets_BT: torch.Tensor, carries: bool) -> None:
        nonlocal carried
        state = carried if carries and carried is not None else model.initial_state(len(inputs_BT))
        with torch.autocast("cpu", torch.bfloat16, enabled=machine.precision == "bfloat16"):
            loss, state = model.training_loss(inputs_BT, targets_BT, state)
        carried = detach_state(state) if settings.batching == "streams" else None
        torch.autograd.backward(loss.nats)
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip or 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def _twin(model: LanguageModel, seq_len: int) -> nn.Module:
    if isinstance(model, LSTM):
        return PlainLSTM(model.config, model.vocab_size)
    assert isinstance(model, Transformer)
    return PlainTransformer(model.config, model.vocab_size, seq_len)


def _plain_step(model: nn.Module) -> Step:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    return lambda inputs_BT, targets_BT, carries: plain_step(model, optimizer, inputs_BT, targets_BT)
