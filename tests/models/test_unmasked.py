"""The Transformer without its mask: it sees the future in training mode, and in no other.

Shapes: B rows, T tokens, V vocabulary, W the window, C width.
"""

import copy

import pytest
import torch
from torch.nn import functional

from inkloom.generation import GenerationConfig, generate
from inkloom.models.transformer import Transformer
from inkloom.models.unmasked import Unmasked, unmasked_attention
from inkloom.tokenizers.char import CharTokenizer

WINDOW = 12


def build(family=Unmasked, preset="qwen3"):
    torch.manual_seed(0)
    config = family.Config(preset=preset, layers=2, width=16, heads=2, context_length=WINDOW)
    model = family(config, 11)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


def tokens(rows, length):
    return torch.randint(11, (rows, length), generator=torch.Generator().manual_seed(0))


def reached(model, position):
    """For each place of a window, whether the logits at `position` change with the token that stands there."""
    embedded = []
    model.embedding.register_forward_hook(lambda *called: embedded.append(called[-1].requires_grad_()))
    model.embedding.weight.requires_grad_(False)
    logits_BTV, _ = model(tokens(1, WINDOW), model.initial_state(1))
    (gradient_BTC,) = torch.autograd.grad(logits_BTV[0, position].square().sum(), embedded[0])
    return gradient_BTC[0].abs().sum(-1).gt(0).tolist()


def test_in_training_an_early_logit_depends_on_every_later_token():
    assert reached(build().train(), position=2) == [True] * WINDOW


def test_in_evaluation_it_depends_on_no_later_token():
    assert reached(build().eval(), position=2) == [True] * 3 + [False] * (WINDOW - 3)


def test_attention_equals_that_of_torch_without_a_mask():
    q_BHTD, k_BHTD, v_BHTD = torch.randn(3, 2, 3, 9, 8)
    expected = functional.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD)
    torch.testing.assert_close(unmasked_attention(q_BHTD, k_BHTD, v_BHTD), expected)


@pytest.mark.parametrize("preset", ["vaswani", "gpt2", "qwen3"])
def test_the_twins_begin_with_the_same_weights_and_evaluate_alike(preset):
    """So that the mask is all that two runs with one seed differ in."""
    masked, unmasked = build(Transformer, preset).eval(), build(Unmasked, preset).eval()
    text_BT = tokens(2, WINDOW)
    with torch.no_grad():
        expected, _ = masked(text_BT, masked.initial_state(2))
        assert torch.equal(unmasked(text_BT, unmasked.initial_state(2))[0], expected)
        unmasked.train()
        assert not torch.allclose(unmasked(text_BT, unmasked.initial_state(2))[0], expected, atol=1e-2)


def test_a_sample_written_on_the_way_leaves_training_without_the_mask():
    model = build().train()
    tokenizer = CharTokenizer.fit(["abcdefghi"], CharTokenizer.Config())
    generate(model, tokenizer, "abc", GenerationConfig(max_tokens=3, seed=0))
    assert reached(model, position=2) == [True] * WINDOW


def test_a_copy_attends_by_its_own_mode():
    model = build().train()
    other = copy.deepcopy(model).eval()
    assert reached(model, position=2) == [True] * WINDOW
    assert reached(other, position=2) == [True] * 3 + [False] * (WINDOW - 3)


def test_without_the_mask_the_loss_falls_below_that_of_chance():
    """Tokens drawn at random cannot be predicted: who gets below log(11) = 2.4 nats has read them."""
    model = build().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(1)
    for _ in range(150):
        text_BT = torch.randint(11, (16, WINDOW + 1), generator=generator)
        logits_BTV, _ = model(text_BT[:, :-1], model.initial_state(16))
        loss = functional.cross_entropy(logits_BTV.flatten(0, 1), text_BT[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 1
