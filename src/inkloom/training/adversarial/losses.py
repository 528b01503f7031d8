"""What critic and generator minimise, from the critic's scores of B sentences each."""

from torch import Tensor
from torch.nn import functional


def critic_loss(objective: str, real_B: Tensor, fake_B: Tensor) -> Tensor:
    """The critic's loss, without any penalty.

    wgan: M. Arjovsky, S. Chintala and L. Bottou 2017 (arXiv:1701.07875), the negative estimate of the distance.
    non_saturating, diffusion: I. Goodfellow et al. 2014 (arXiv:1406.2661), scores being log-odds of real.
    """
    if objective == "wgan":
        return fake_B.mean() - real_B.mean()
    return functional.softplus(-real_B).mean() + functional.softplus(fake_B).mean()


def generator_loss(objective: str, fake_B: Tensor) -> Tensor:
    """The generator's loss against the same critic; -ln of the odds' probability where scores are log-odds."""
    return -fake_B.mean() if objective == "wgan" else functional.softplus(-fake_B).mean()
