import copy

import pytest
import torch

from inkloom.models import MODELS
from inkloom.training.config import TrainingConfig
from inkloom.training.optimizers import Together, build_optimizer


def small_transformer():
    torch.manual_seed(0)
    family = MODELS.load("transformer")
    return family(family.Config(layers=1, width=16, heads=2, context_length=8), vocab_size=11)


def step(model, optimizer):
    tokens = torch.arange(8).view(1, 8)
    logits, _ = model(tokens, model.initial_state(1))
    logits.square().mean().backward()
    optimizer.step()
    optimizer.zero_grad()


@pytest.mark.parametrize("name", ["adam", "adamw", "muon", "sgd"])
def test_every_parameter_is_updated_by_exactly_one_group(name):
    model = small_transformer()
    optimizer = build_optimizer(model, TrainingConfig(optimizer=name, weight_decay=0.1))
    grouped = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    assert sorted(grouped) == sorted(id(parameter) for parameter in model.parameters())


@pytest.mark.parametrize("name", ["adam", "adamw", "muon", "sgd"])
def test_only_matrices_decay(name):
    optimizer = build_optimizer(small_transformer(), TrainingConfig(optimizer=name, weight_decay=0.1))
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            assert group["weight_decay"] == (0.1 if parameter.ndim >= 2 else 0.0)


def test_adam_equals_torch():
    model = small_transformer()
    twin = copy.deepcopy(model)
    ours = build_optimizer(model, TrainingConfig(optimizer="adam", learning_rate=1e-2, beta2=0.95))
    torchs = torch.optim.Adam(twin.parameters(), lr=1e-2, betas=(0.9, 0.95))
    for _ in range(3):
        step(model, ours)
        step(twin, torchs)
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_sgd_equals_torch():
    model = small_transformer()
    twin = copy.deepcopy(model)
    ours = build_optimizer(model, TrainingConfig(optimizer="sgd", learning_rate=0.5))
    torchs = torch.optim.SGD(twin.parameters(), lr=0.5)
    for _ in range(3):
        step(model, ours)
        step(twin, torchs)
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_saved_pair_goes_on_as_if_never_stopped():
    model = small_transformer()
    optimizer = build_optimizer(model, TrainingConfig(optimizer="muon"))
    assert isinstance(optimizer, Together)
    step(model, optimizer)
    twin = copy.deepcopy(model)
    resumed = build_optimizer(twin, TrainingConfig(optimizer="muon"))
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    step(model, optimizer)
    step(twin, resumed)
    for one, other in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_learning_rate_written_to_a_group_reaches_its_part():
    optimizer = build_optimizer(small_transformer(), TrainingConfig(optimizer="muon"))
    for group in optimizer.param_groups:
        group["lr"] = 0.125
    assert all(group["lr"] == 0.125 for part in optimizer.parts for group in part.param_groups)


def test_adam_takes_both_betas():
    optimizer = build_optimizer(small_transformer(), TrainingConfig(optimizer="adam", beta1=0.0, beta2=0.9))
    assert all(group["betas"] == (0.0, 0.9) for group in optimizer.param_groups)
