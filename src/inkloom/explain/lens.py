"""The logit lens: what a Transformer would predict if it ended after each of its layers.

nostalgebraist, "interpreting GPT: the logit lens" (2020): the residual sum after every block goes through the model's
own last norm and output head. The last depth is the model's own prediction. It is a lens, not a measurement: a layer
may hold what the head cannot read.

Shapes: T tokens of the text, P = layers + 1 depths (0 is the embedding alone), K likeliest tokens, V vocabulary.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from inkloom.explain.attention import window_of
from inkloom.explain.copies import sharing_weights
from inkloom.explain.tokens import Floats, Ints, Text, Tokens, labels, tokens_of
from inkloom.models.transformer import Transformer
from inkloom.tokenizers.base import Tokenizer


@dataclass(frozen=True)
class Lens:
    """What each depth predicts in the place of every token, from all that precedes it."""

    tokens: Tokens
    nats_PT: Floats
    """-ln p of the token that came."""

    ranks_PT: Ints
    """1 where it was the likeliest."""

    top_ids_PTK: Ints
    top_probs_PTK: Floats
    top_texts: tuple[tuple[tuple[str, ...], ...], ...]
    """What the likeliest tokens read as, P times T times K."""

    @property
    def depths(self) -> tuple[str, ...]:
        """What the depths are called, from the embedding to the last layer."""
        return ("embed", *(f"layer {layer}" for layer in range(1, len(self.nats_PT))))

    def as_json(self) -> dict[str, Any]:
        """A list for each depth, of columns of length T."""
        return {
            "tokens": list(self.tokens.texts),
            "ids": self.tokens.ids.tolist(),
            "depths": [
                {"nats": nats, "ranks": ranks, "top_ids": ids, "top_probs": probs, "top_texts": texts}
                for nats, ranks, ids, probs, texts in zip(
                    self.nats_PT.tolist(),
                    self.ranks_PT.tolist(),
                    self.top_ids_PTK.tolist(),
                    self.top_probs_PTK.tolist(),
                    self.top_texts,
                    strict=True,
                )
            ],
        }


def lens(model: Transformer, tokenizer: Tokenizer, text: Text, top: int = 3) -> Lens:
    """The predictions of every depth for every token of a text, with their `top` likeliest tokens.

    Raises InputError for a text that is empty, that the tokenizer does not know or that is longer than the window.
    """
    read = window_of(model, tokenizer, text)
    tokens = tokens_of(tokenizer, read.ids[1:])
    ids_T = torch.from_numpy(read.ids).to(model.device)
    log_probs_PTV = depth_log_probs(model, ids_T[None, :-1])
    log_probs_PT1 = log_probs_PTV.gather(2, ids_T[1:, None].expand(len(log_probs_PTV), -1, 1))
    likeliest = log_probs_PTV.topk(min(top, model.vocab_size), dim=-1)
    top_ids_PTK = likeliest.indices.cpu().numpy()
    return Lens(
        tokens=tokens,
        nats_PT=-log_probs_PT1[..., 0].cpu().numpy(),
        ranks_PT=1 + (log_probs_PTV > log_probs_PT1).sum(dim=-1).cpu().numpy(),
        top_ids_PTK=top_ids_PTK,
        top_probs_PTK=likeliest.values.exp().cpu().numpy(),
        top_texts=tuple(labels(tokenizer, top_ids_TK) for top_ids_TK in top_ids_PTK),
    )


@torch.no_grad()
def depth_log_probs(model: Transformer, tokens_1T: Tensor) -> Tensor:
    """ln p of the token after each of one window's, through the head after the embedding and after every block.

    (P, T, V), float32; the last is what the model predicts.
    """
    watched = sharing_weights(model)
    sums: list[Tensor] = []
    _keep_inputs(watched.blocks[0], sums)
    for block in watched.blocks:
        _keep_outputs(block, sums)
    watched(tokens_1T, watched.initial_state(1))
    return torch.stack([watched.logits(watched.norm(x_1TC))[0].float().log_softmax(dim=-1) for x_1TC in sums])


def _keep_inputs(block: nn.Module, sums: list[Tensor]) -> None:
    block.register_forward_pre_hook(lambda _, inputs: sums.append(inputs[0]))


def _keep_outputs(block: nn.Module, sums: list[Tensor]) -> None:
    block.register_forward_hook(lambda _module, _inputs, outputs: sums.append(outputs[0]))
