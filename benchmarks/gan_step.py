"""How long a step of the published WGAN-GP takes, 6 updates of the critic and 1 of the generator, part by part.

    python benchmarks/gan_step.py                 # the published shape, with the 10,263 words of its vocabulary
    python benchmarks/gan_step.py --threads 1 --float32

The original program takes 46 s a step on 2 cores of the same kind.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from inkloom.models.critic import Critic
from inkloom.models.gan import GAN
from inkloom.training.adversarial.objective import Adversarial
from inkloom.training.config import TrainingConfig
from inkloom.training.machine import keep_memory
from inkloom.training.schedule import Clock, Progress

WORDS, SENTENCES, LENGTH = 10_263, 64, 64
PARTS = {"_written": "roll-out", "_update_critic": "critic", "_against_critic": "generator, forward"}


class Alone(Adversarial):
    """The objective without a trainer."""

    @property
    def global_step(self) -> int:
        return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float32", action="store_true", help="else products are in bfloat16, where that is faster")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_memory()
    torch.manual_seed(0)
    config = GAN.Config().resolve(LENGTH)
    settings = TrainingConfig(**GAN.training_defaults)
    model = GAN(config, WORDS)
    player = Alone(model, Critic(config, WORDS), 0, settings, Progress(Clock(), steps=1))
    optimizer = player.configure_optimizers()["optimizer"]
    batch = torch.randint(WORDS, (config.critic_steps + 1, SENTENCES, LENGTH))
    seconds: dict[str, float] = defaultdict(float)
    for name, title in PARTS.items():
        setattr(player, name, _timed(getattr(player, name), title, seconds))
    for step in range(arguments.steps + 1):
        if step == 1:  # the first warms up
            seconds.clear()
        with _clocked("all", seconds), torch.autocast("cpu", torch.bfloat16, enabled=not arguments.float32):
            loss = player.training_step(batch, 0)["loss"]
            optimizer.zero_grad()
            with _clocked("generator, backward", seconds):
                torch.autograd.backward(loss)
            optimizer.step()
    for title, total in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"{title:20} {total / arguments.steps:6.2f} s a step")


def _timed(function: Callable[..., Any], title: str, seconds: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any) -> Any:
        with _clocked(title, seconds):
            return function(*arguments)

    return timed


@contextmanager
def _clocked(title: str, seconds: dict[str, float]) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[title] += time.perf_counter() - started


if __name__ == "__main__":
    main()
