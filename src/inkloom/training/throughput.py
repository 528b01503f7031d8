"""How fast this machine trains, measured in two seconds."""

import itertools
import statistics
import time

import torch

from inkloom.models.base import detach_state
from inkloom.models.lstm import LSTM
from inkloom.training.config import TrainingConfig
from inkloom.training.machine import choose
from inkloom.training.optimizers import build_optimizer

VOCABULARY = 100
"""About the characters of a text."""

SECONDS = 2.0


def lstm_rate(settings: TrainingConfig, seconds: float = SECONDS) -> float:
    """Tokens a second that the default LSTM of characters is trained with, in the settings' device and precision.

    The median of its steps: a first one compiles, and other programs may delay some.
    """
    machine = choose(settings)
    fields = settings.replace(**LSTM.training_defaults)
    with torch.random.fork_rng():
        model = LSTM(LSTM.Config(), VOCABULARY).to(machine.device)
        optimizer = build_optimizer(model, fields)
        tokens_BT = torch.randint(VOCABULARY, (fields.batch_size, fields.seq_len), device=machine.device)
        state = model.initial_state(fields.batch_size)
        times = [time.perf_counter()]
        while times[-1] - times[0] < seconds or len(times) < 3:
            with torch.autocast(machine.device, torch.bfloat16, enabled=machine.precision == "bfloat16"):
                loss, state = model.training_loss(tokens_BT, tokens_BT, state)
            state = detach_state(state)
            torch.autograd.backward(loss.nats)
            optimizer.step()
            optimizer.zero_grad()
            loss.nats.item()  # waits for an accelerator's queue
            times.append(time.perf_counter())
    return tokens_BT.numel() / statistics.median(after - before for before, after in itertools.pairwise(times))
