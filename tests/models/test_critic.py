"""The critic: what it computes by images of E dimensions is what the V-dimensional input would give.

Shapes: B rows, S places of a sentence, V vocabulary, E width.
"""

import pytest
import torch
from torch.nn import functional

from inkloom.models.critic import Critic, CriticConfig

VOCABULARY, LENGTH, ROWS = 11, 7, 3
TINY = {"critic_width": 8, "critic_heads": 2, "critic_layers": 1, "critic_blocks": 2, "critic_output_layers": 1}


def build(vocab_size=VOCABULARY, **fields):
    torch.manual_seed(1)
    return Critic(CriticConfig(**{**TINY, **fields}), vocab_size)


def words(seed=0):
    return torch.randint(VOCABULARY, (ROWS, LENGTH), generator=torch.Generator().manual_seed(seed))


def shares(seed=0):
    return torch.randn(ROWS, LENGTH, VOCABULARY, generator=torch.Generator().manual_seed(seed)).softmax(-1)


def test_a_look_up_is_the_product_with_a_one_hot():
    critic = build()
    one_hot_BSV = functional.one_hot(words(), VOCABULARY).float()
    torch.testing.assert_close(critic.embed(words()), critic.project(one_hot_BSV))


@pytest.mark.parametrize("pooling", ["average", "max", "none"])
def test_gradient_norms_are_those_of_the_whole_input(pooling):
    """And so are their own gradients, which the penalty needs."""
    critic = build(pooling=pooling)
    input_BSV = shares().requires_grad_()
    (gradient_BSV,) = torch.autograd.grad(critic(critic.project(input_BSV)).sum(), input_BSV, create_graph=True)
    dense_B = gradient_BSV.flatten(1).norm(dim=1)
    critic.zero_grad()
    (dense_B - 1).square().sum().backward()
    expected = {
        name: parameter.grad.clone() for name, parameter in critic.named_parameters() if parameter.grad is not None
    }
    norms_B = critic.gradient_norms(critic.project(shares()))
    torch.testing.assert_close(norms_B, dense_B)
    critic.zero_grad()
    (norms_B - 1).square().sum().backward()
    for name, gradient in expected.items():
        torch.testing.assert_close(dict(critic.named_parameters())[name].grad, gradient, rtol=1e-4, atol=1e-6)


def test_diffusion_of_images_has_the_distribution_of_diffused_inputs():
    """Images of x + noise in V dimensions: the same mean, and the covariance sigma^2 (1 - kept) W^T W."""
    critic = build()
    rows = 20_000
    images_BSE = critic.embed(torch.full((rows, 1), 4)).detach()
    kept = 0.3
    diffused_BSE = critic.diffuse(images_BSE, torch.full((rows,), kept), 0.5, torch.Generator().manual_seed(0))
    residual_BE = (diffused_BSE - kept**0.5 * images_BSE)[:, 0].detach()
    torch.testing.assert_close(residual_BE.mean(dim=0), torch.zeros(8), rtol=0, atol=0.03)
    expected_EE = 0.25 * (1 - kept) * critic.gram_EE.detach()
    torch.testing.assert_close(residual_BE.T @ residual_BE / rows, expected_EE, rtol=0, atol=0.02)


def test_level_0_is_no_noise():
    critic = build()
    images_BSE = critic.embed(words())
    torch.testing.assert_close(critic.diffuse(images_BSE, torch.ones(ROWS), 0.5, torch.Generator()), images_BSE)


def test_fewer_words_than_dimensions_can_be_diffused():
    critic = build(vocab_size=3)
    diffused_BSE = critic.diffuse(
        critic.embed(torch.zeros(2, 4, dtype=torch.int64)), torch.zeros(2), 1.0, torch.Generator()
    )
    assert diffused_BSE.isfinite().all()


@pytest.mark.parametrize(
    ("fields", "places"),
    [({}, 2), ({"pooling": "max"}, 2), ({"pooling": "none"}, 7), ({"critic_blocks": 0}, 7), ({"critic_blocks": 4}, 1)],
)
def test_each_block_halves_the_sequence_unless_nothing_is_pooled(fields, places):
    """The output layers read so many places and the class token."""
    critic = build(**fields)
    seen = []
    critic.output_layers[0].register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0].shape))
    assert critic(critic.embed(words())).shape == (ROWS,)
    assert seen == [(ROWS, 1 + places, 8)]


def test_pooling_takes_the_mean_or_the_maximum_of_neighbours():
    critics = {pooling: build(pooling=pooling, critic_layers=1, critic_blocks=1) for pooling in ("average", "max")}
    images_BSE = torch.randn(1, 5, 8)
    seen = {}
    for name, critic in critics.items():
        critic.blocks[0][0] = torch.nn.Identity()
        critic.output_layers[0].register_forward_hook(
            lambda layer, inputs, output, name=name: seen.update({name: inputs[0][:, 1:]})
        )
        before = []
        critic.blocks[0][0].register_forward_hook(lambda layer, inputs, output, kept=before: kept.append(output))
        critic(images_BSE)
        padded = torch.cat([before[0], before[0][:, -1:]], dim=1).view(1, 3, 2, 8)
        expected = padded.mean(dim=2) if name == "average" else padded.amax(dim=2)
        torch.testing.assert_close(seen[name], expected)


def test_the_order_of_words_matters():
    critic = build()
    assert not torch.allclose(critic(critic.embed(words())), critic(critic.embed(words().flip(1))), atol=1e-4)


def test_the_level_of_noise_is_told():
    critic = build()
    images_BSE = critic.embed(words())
    scores = [critic(images_BSE, torch.full((ROWS,), level)) for level in (0, 40)]
    assert not torch.allclose(*scores, atol=1e-4)


def test_every_parameter_learns_but_a_fixed_projection():
    for projection in ("linear", "pca"):
        critic = build(projection=projection)
        critic(critic.embed(words())).sum().backward()
        without = {name for name, parameter in critic.named_parameters() if parameter.grad is None}
        assert without == ({"weight_VE"} if projection == "pca" else set())


def test_the_penalty_works_on_a_fixed_projection():
    critic = build(projection="pca")
    (critic.gradient_norms(critic.project(shares())) - 1).square().mean().backward()
    assert critic.score.weight.grad.abs().sum() > 0


def test_principal_components_put_words_with_the_same_followers_together():
    """1 and 2 are both followed by 3 or 4, 5 and 6 by 7 or 8."""
    generator = torch.Generator().manual_seed(0)
    groups = [((1, 2), (3, 4)), ((5, 6), (7, 8))]
    pairs = [
        [first[int(draw[0])], second[int(draw[1])]]
        for first, second in groups
        for draw in torch.randint(2, (200, 2), generator=generator)
    ]
    critic = build(projection="pca", critic_width=4)
    critic.fix_projection(torch.tensor(pairs))
    images_VE = critic.weight_VE.detach()
    assert float(images_VE.square().sum(dim=1).mean()) == pytest.approx(1)
    near, far = (float((images_VE[1] - images_VE[other]).norm()) for other in (2, 5))
    assert near < 0.3 * far
