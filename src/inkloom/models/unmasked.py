"""The Transformer without its causal mask: what goes wrong when a model may read the text that it is to predict.

It is here to be looked at, beside its twin in `inkloom.models.transformer`. See docs/causal-mask.md.

Shapes: B rows, T tokens of a window, H heads, D head size.
"""

from torch import Tensor

from inkloom.models.transformer import Attention, Transformer, attention_weights, causal_attention


def unmasked_attention(q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor) -> Tensor:
    """softmax(q k^T / sqrt(D)) v, (B, H, T, D): every position gathers from the whole window, later ones included.

    The same products as the masked twin's, so that a step of both takes the same time; the mask is all zeros.
    """
    nothing_masked_TT = q_BHTD.new_zeros(q_BHTD.shape[2], k_BHTD.shape[2])
    return attention_weights(q_BHTD, k_BHTD, nothing_masked_TT) @ v_BHTD


class Unmasked(Transformer):
    """A Transformer that sees the future of its training windows, and loses it when it has to write.

    In training mode every position of a window attends to all of it, so the token to predict stands in plain sight.
    In evaluation mode attention is causal: the text to come is not there when one generates or is scored honestly.
    """

    def __init__(self, config: Transformer.Config, vocab_size: int) -> None:
        super().__init__(config, vocab_size)
        for module in self.modules():
            if isinstance(module, Attention):
                module.attend = self.attend

    def attend(self, q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor) -> Tensor:
        """What a window's queries gather, (B, H, T, D): from the whole window in training, else from what precedes."""
        attend = unmasked_attention if self.training else causal_attention
        return attend(q_BHTD, k_BHTD, v_BHTD)
