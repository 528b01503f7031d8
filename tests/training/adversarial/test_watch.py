"""What goes wrong ends a training with good weights and advice."""

import math

import pytest
import torch

import inkloom
from inkloom.runs import RunDirectory
from inkloom.training.adversarial.curves import Written
from inkloom.training.adversarial.objective import Adversarial
from inkloom.training.adversarial.watch import BAD_STEPS, BAD_VALIDATIONS, Watch
from inkloom.training.callbacks.validation import Validation
from tests.training.adversarial.conftest import train
from tests.training.adversarial.toy import objective


class Trainer:
    """What the watch needs of one."""

    def __init__(self):
        self.global_step = 0
        self.should_stop = False
        self.callbacks = [Validation(lambda: 0.0, None, 1, None)]


class Watched:
    """A watch on an objective that does nothing."""

    def __init__(self, path, **fields):
        self.player = objective(**fields)
        self.written = None
        self.watch = Watch(RunDirectory(path), lambda: self.written)
        self.trainer = Trainer()
        self.watch.on_train_start(self.trainer, self.player)
        self.player.measures.critic_steps = 1
        self.player.measures.critic_loss = self.player.measures.penalty = 0.0
        self.player.measures.critic_gradient = 1.0

    def step(self, loss=0.0):
        self.trainer.global_step += 1
        self.watch.on_train_batch_end(self.trainer, self.player, {"loss": torch.tensor(loss)})
        return self.watch.trouble


def test_a_healthy_training_goes_on(tmp_path):
    watched = Watched(tmp_path)
    watched.written = Written(3.0, 3.0, self_bleu=0.4, distinct=0.6)
    assert [watched.step() for _ in range(50)] == [None] * 50
    assert not watched.trainer.should_stop


def test_a_loss_that_is_no_number_ends_it_with_the_last_good_weights(tmp_path):
    watched = Watched(tmp_path, watch=False)  # this is watched in any case
    good = {name: tensor.clone() for name, tensor in watched.player.model.state_dict().items()}
    with torch.no_grad():
        for parameter in watched.player.model.parameters():
            parameter.fill_(math.nan)
    assert "not finite" in watched.step(math.nan)
    assert watched.trainer.should_stop
    assert watched.trainer.callbacks[0].finished
    for name, tensor in watched.player.model.state_dict().items():
        assert torch.equal(tensor, good[name])
    assert (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize(("norm", "said"), [(1e-9, "vanished"), (1e6, "exploded"), (math.nan, "exploded")])
def test_a_critic_whose_gradient_stays_bad_ends_it(tmp_path, norm, said):
    watched = Watched(tmp_path)
    watched.player.measures.critic_gradient = norm
    assert [watched.step() for _ in range(BAD_STEPS - 1)] == [None] * (BAD_STEPS - 1)
    assert said in watched.step()


def test_a_bad_step_now_and_then_does_not(tmp_path):
    watched = Watched(tmp_path)
    for step in range(3 * BAD_STEPS):
        watched.player.measures.critic_gradient = 1.0 if step % 5 == 0 else 1e-9
        assert watched.step() is None


def test_sentences_that_become_alike_end_it(tmp_path):
    watched = Watched(tmp_path)
    watched.written = Written(3.0, 3.0, self_bleu=0.3, distinct=0.6)
    assert watched.step() is None
    for number in range(BAD_VALIDATIONS):
        watched.written = Written(3.0, 3.0, self_bleu=0.9, distinct=0.1)
        trouble = watched.step()
        assert watched.step() == (trouble if number == BAD_VALIDATIONS - 1 else None) or trouble is not None
    assert "collapse" in trouble
    assert "0.90 after 0.30" in trouble


def test_without_the_watch_a_collapse_goes_on(tmp_path):
    watched = Watched(tmp_path, watch=False)
    watched.written = Written(3.0, 3.0, self_bleu=0.3, distinct=0.6)
    for _ in range(10):
        watched.written = Written(3.0, 3.0, self_bleu=0.9, distinct=0.1)
        assert watched.step() is None


def test_the_state_goes_on(tmp_path):
    watched = Watched(tmp_path)
    watched.player.measures.critic_gradient = 1e-9
    for _ in range(BAD_STEPS - 1):
        watched.step()
    other = Watched(tmp_path)
    other.watch.load_state_dict(watched.watch.state_dict())
    other.player.measures.critic_gradient = 1e-9
    assert "vanished" in other.step()


def test_a_run_that_is_stopped_is_scored_and_says_why(tmp_path, sentences_file, monkeypatch):
    """The generator's loss is no number from the third step on; nothing of what was learned before is lost."""
    right = Adversarial._against_critic

    def wrong(self, fake, generator):
        loss = right(self, fake, generator)
        return loss * math.nan if self.global_step == 2 else loss

    monkeypatch.setattr(Adversarial, "_against_critic", wrong)
    opened = train(sentences_file, tmp_path / "run", steps=6)
    summary = opened.summary()
    assert "not finite" in summary["stopped"]
    assert summary["steps"] == 3
    assert all(parameter.isfinite().all() for parameter in opened.model.parameters())
    assert "Why it ended early" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert inkloom.load_run(tmp_path / "run").generate(seed=1)[0].text is not None
