"""The critic of a text GAN: from a sentence, real or written, to one score.

A linear layer takes each place from the vocabulary to the critic's width; blocks of attention layers follow, each of
which ends by pooling neighbours, so that the sequence is halved; a class token joins, further attention layers read it,
and what comes out at the class token becomes the score. Positions are added first: without them the order of words
would tell only who is pooled with whom.

A real sentence is one-hot, and its product with the linear layer is an embedding look-up. Whatever else is asked of the
V-dimensional input follows from its image of E dimensions, since that layer is linear:

    between two inputs     the image of a mixture is the mixture of the images
    the gradient           grad_x = W grad_e, so |grad_x|^2 = grad_e^T (W^T W) grad_e: the Gram matrix is E x E
    Gaussian noise         the image of N(0, 1) in V dimensions is N(0, W^T W) in E dimensions

Shapes: B rows, S places of a sentence, V vocabulary, E width, H heads, D head size.
"""

from typing import Any, Literal, Self

import pydantic
import torch
from torch import Tensor, nn
from torch.nn import functional

from inkloom.config import Config
from inkloom.models.transformer import attention_weights

FEED_FORWARD = 1
"""Hidden width of the feed-forward, in multiples of the width."""

JITTER = 1e-5
"""Of the Gram matrix's mean diagonal, added to it: with fewer words than dimensions it has no Cholesky factor."""


class CriticConfig(Config):
    """The critic's shape."""

    critic_width: pydantic.PositiveInt = 64
    """Numbers that stand for a token throughout the critic."""

    critic_heads: pydantic.PositiveInt = 8
    """Heads of each of its attentions; they divide critic_width."""

    critic_layers: pydantic.PositiveInt = 6
    """Attention layers in a block (T)."""

    critic_blocks: int = pydantic.Field(default=4, ge=0)
    """Blocks, each of which ends by pooling (B)."""

    critic_output_layers: pydantic.PositiveInt = 2
    """Attention layers that read the class token with what is left of the sequence (O)."""

    pooling: Literal["average", "max", "none"] = "average"
    """What two neighbours become at a block's end: their mean, their maximum, or still two."""

    projection: Literal["linear", "pca"] = "linear"
    """How the vocabulary comes to critic_width: a linear layer that learns; or a fixed one, the principal components of
    how often words stand beside each other in train."""

    @pydantic.field_validator("pooling", "projection", mode="before")
    @classmethod
    def _case_does_not_matter(cls, name: Any) -> Any:
        return name.lower() if isinstance(name, str) else name

    @pydantic.model_validator(mode="after")
    def _heads_divide_the_width(self) -> Self:
        if self.critic_width % self.critic_heads:
            raise ValueError(f"critic_heads {self.critic_heads} do not divide critic_width {self.critic_width}")
        return self


class Critic(nn.Module):
    """Scores sentences by the images of their places: `embed` real words or `project` distributions over words."""

    def __init__(self, config: CriticConfig, vocab_size: int) -> None:
        super().__init__()
        E = config.critic_width
        # Images about as long as the one-hots themselves, so that their gradients are of one scale, too.
        self.weight_VE = nn.Parameter(torch.randn(vocab_size, E) * E**-0.5, requires_grad=config.projection == "linear")
        self.blocks = nn.ModuleList(
            nn.ModuleList(AttentionLayer(E, config.critic_heads) for _ in range(config.critic_layers))
            for _ in range(config.critic_blocks)
        )
        self.pooling = config.pooling
        self.class_E = nn.Parameter(torch.randn(E) * E**-0.5)
        self.output_layers = nn.ModuleList(
            AttentionLayer(E, config.critic_heads) for _ in range(config.critic_output_layers)
        )
        self.norm = nn.LayerNorm(E)
        self.score = nn.Linear(E, 1)

    def embed(self, words_BS: Tensor) -> Tensor:
        """The images of words, (B, S, E)."""
        return functional.embedding(words_BS, self.weight_VE)

    def project(self, shares_BSV: Tensor) -> Tensor:
        """The images of distributions over words, (B, S, E)."""
        return torch.matmul(shares_BSV, self.weight_VE).float()

    def diffuse(self, images_BSE: Tensor, kept_B: Tensor, sigma: float, generator: torch.Generator) -> Tensor:
        """The images of inputs x that became sqrt(kept) x + sqrt(1 - kept) sigma N(0, 1), noise in every dimension.

        Z. Wang et al., "Diffusion-GAN", 2022 (arXiv:2206.02262), equation 1, with `kept` its alpha-bar.
        """
        gram_EE = self.gram_EE
        jitter = JITTER * gram_EE.diagonal().mean().detach()
        factor_EE = torch.linalg.cholesky(gram_EE + jitter * torch.eye(len(gram_EE), device=gram_EE.device))
        noise_BSE = torch.randn(images_BSE.shape, generator=generator).to(images_BSE.device) @ factor_EE.T
        kept_B11 = kept_B[:, None, None]
        diffused_BSE: Tensor = kept_B11.sqrt() * images_BSE + (1 - kept_B11).sqrt() * sigma * noise_BSE
        return diffused_BSE

    @property
    def gram_EE(self) -> Tensor:
        """W^T W, which measures gradients and noise of V dimensions by their images; float32 in any case."""
        with torch.autocast(self.weight_VE.device.type, enabled=False):
            return self.weight_VE.T @ self.weight_VE

    def forward(self, images_BSE: Tensor, level_B: Tensor | None = None) -> Tensor:
        """The scores of sentences, (B,). level_B: of noise that they were diffused with, from 0 on."""
        _, S, E = images_BSE.shape
        # Positions as long as the images.
        x_BSE = images_BSE + position_codes(torch.arange(S, device=images_BSE.device), E) * (2 / E) ** 0.5
        for block in self.blocks:
            assert isinstance(block, nn.ModuleList)
            for layer in block:
                x_BSE = layer(x_BSE)
            x_BSE = _pooled(x_BSE, self.pooling)
        class_BE = self.class_E.expand(len(x_BSE), E)
        if level_B is not None:
            class_BE = class_BE + position_codes(level_B, E) * (2 / E) ** 0.5
        x_BSE = torch.cat([class_BE.unsqueeze(1), x_BSE], dim=1)
        for layer in self.output_layers:
            x_BSE = layer(x_BSE)
        scores_B: Tensor = self.score(self.norm(x_BSE[:, 0])).squeeze(-1)
        return scores_B

    def gradient_norms(self, images_BSE: Tensor, level_B: Tensor | None = None) -> Tensor:
        """|gradient of the score with respect to the V-dimensional input|, (B,), with a graph of its own."""
        if not images_BSE.requires_grad:  # of a fixed projection
            images_BSE = images_BSE.requires_grad_()
        scores_B = self(images_BSE, level_B)
        (gradient_BSE,) = torch.autograd.grad(scores_B.sum(), images_BSE, create_graph=True)
        with torch.autocast(gradient_BSE.device.type, enabled=False):
            squares_B = ((gradient_BSE @ self.gram_EE) * gradient_BSE).sum(dim=(1, 2))
        return squares_B.clamp_min(1e-12).sqrt()  # the root has no gradient at 0

    @torch.no_grad()
    def fix_projection(self, sentences_NS: Tensor) -> None:
        """Set the linear layer to the principal components of the words' neighbours, with `projection=pca`.

        sentences_NS: ids of train. A word is described by the logarithm of one plus how often each word follows it.
        The images are scaled to a mean square length of 1.
        """
        V, E = self.weight_VE.shape
        rank = min(V, E)
        with torch.sparse.check_sparse_tensor_invariants(True):  # type: ignore[no-untyped-call]
            left_VR, singular_R, _ = torch.pca_lowrank(_neighbours(sentences_NS, V), q=rank)
        images_VR = left_VR * singular_R
        images_VR = images_VR / images_VR.square().sum(dim=1).mean().sqrt().clamp_min(1e-12)
        self.weight_VE.zero_()
        self.weight_VE[:, :rank] = images_VR.to(self.weight_VE.device)


class AttentionLayer(nn.Module):
    """Self-attention and feed-forward, each on the layer norm of the sum so far, to which it adds.

    The attention is written out: PyTorch's fused one has no second derivative, which the gradient penalty needs.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward = nn.Sequential(
            nn.Linear(width, FEED_FORWARD * width), nn.GELU(), nn.Linear(FEED_FORWARD * width, width)
        )

    def forward(self, x_BSE: Tensor) -> Tensor:
        """The sequence one layer later."""
        x_BSE = x_BSE + self.output(self._found(self.queries_keys_values(self.attention_norm(x_BSE))))
        more_BSE: Tensor = self.feed_forward(self.feed_forward_norm(x_BSE))
        return x_BSE + more_BSE

    def _found(self, x_BS3E: Tensor) -> Tensor:
        B, S, _ = x_BS3E.shape
        q_BHSD, k_BHSD, v_BHSD = x_BS3E.view(B, S, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        found_BHSD: Tensor = attention_weights(q_BHSD, k_BHSD, None) @ v_BHSD
        return found_BHSD.transpose(1, 2).flatten(2)


def _pooled(x_BSE: Tensor, pooling: str) -> Tensor:
    """Neighbours made one; the last of an odd number stays as it is."""
    if pooling == "none":
        return x_BSE
    if x_BSE.shape[1] % 2:
        x_BSE = torch.cat([x_BSE, x_BSE[:, -1:]], dim=1)
    B, S, E = x_BSE.shape
    pairs_BS2E = x_BSE.reshape(B, S // 2, 2, E)
    return pairs_BS2E.mean(dim=2) if pooling == "average" else pairs_BS2E.amax(dim=2)


def _neighbours(sentences_NS: Tensor, vocab_size: int) -> Tensor:
    """ln(1 + how often the word of a column follows that of a row), sparse, (V, V)."""
    pairs_2P = torch.stack([sentences_NS[:, :-1].flatten(), sentences_NS[:, 1:].flatten()])
    ones_P = torch.ones(pairs_2P.shape[1])
    counts_VV = torch.sparse_coo_tensor(pairs_2P, ones_P, (vocab_size, vocab_size)).coalesce()
    return torch.log1p(counts_VV)


def position_codes(numbers_N: Tensor, width: int) -> Tensor:
    """Sines and cosines of falling frequency for each number, (N, width), as A. Vaswani et al. 2017 have them."""
    steps = torch.arange(0, width, 2, device=numbers_N.device)
    angle = numbers_N[:, None] * 10_000 ** (-steps / width)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :width]
