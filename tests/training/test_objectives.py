"""One step of language modelling: what is minimised, what is carried, and the learning rate of a random length."""

import pytest
import torch

from inkloom.data.batches import Batch
from inkloom.models.lstm import LSTM
from inkloom.training.config import TrainingConfig
from inkloom.training.objectives import LanguageModelling
from inkloom.training.schedule import Clock, Progress

SEQ_LEN = 8


def objective(batching="random_streams", **fields):
    torch.manual_seed(0)
    model = LSTM(LSTM.Config(embedding_size=4, hidden_size=6, dropout=0.0, **fields), 11)
    config = TrainingConfig(batching=batching, batch_size=2, seq_len=SEQ_LEN, learning_rate=0.5)
    return LanguageModelling(model, config, Progress(Clock(), steps=10))


def batch(length=SEQ_LEN, carries=False):
    text_BT = torch.randint(11, (2, length + 1), generator=torch.Generator().manual_seed(length))
    return Batch(text_BT[:, :-1], text_BT[:, 1:], carries)


def test_the_penalty_is_minimised_but_not_reported():
    given = batch()
    plain = objective().training_step(given, 0)
    penalised = objective(activation_penalty=10.0).training_step(given, 0)
    assert plain["loss"] == plain["nats"]
    assert penalised["nats"] == plain["nats"]
    assert penalised["loss"] > plain["loss"]
    assert not penalised["nats"].requires_grad


def test_the_learning_rate_follows_the_length_of_the_window():
    module = objective()
    optimizer = torch.optim.SGD(module.model.parameters(), lr=0.5)
    module.training_step(batch(SEQ_LEN // 2), 0)
    module.on_before_optimizer_step(optimizer)
    assert optimizer.param_groups[0]["lr"] == 0.25


@pytest.mark.parametrize(("batching", "carried"), [("streams", True), ("random_streams", True), ("windows", False)])
def test_streams_carry_their_state(batching, carried):
    module = objective(batching)
    module.training_step(batch(), 0)
    assert (module.carried is not None) == carried


def test_a_batch_that_carries_goes_on_from_the_state_before():
    module = objective()
    module.training_step(batch(5), 0)
    carried = module.training_step(batch(3, carries=True), 0)["nats"]
    assert carried != objective().training_step(batch(3, carries=True), 0)["nats"]
    whole_BT = torch.cat([batch(5).inputs_BT, batch(3).inputs_BT], dim=1)
    logits_BTV, _ = module.model(whole_BT, module.model.initial_state(2))
    expected = torch.nn.functional.cross_entropy(logits_BTV[:, 5:].flatten(0, 1), batch(3).targets_BT.flatten())
    torch.testing.assert_close(carried, expected.detach())


def test_a_checkpoint_brings_back_the_state_and_the_random_numbers():
    module = objective()
    module.training_step(batch(), 0)
    checkpoint = {}
    module.on_save_checkpoint(checkpoint)
    expected = torch.rand(3)
    resumed = objective()
    resumed.on_load_checkpoint(checkpoint)
    torch.rand(5)
    resumed.on_train_start()
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(one, other) for one, other in zip(resumed.carried, module.carried, strict=True))
