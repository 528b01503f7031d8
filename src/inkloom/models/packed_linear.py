"""Products of a few rows with a large matrix, as fast as memory gives the matrix.

One token a row is a product of a matrix with one vector, or a few: all the time goes into reading the matrix. Measured
on 2 cores (docs/speed.md), the matrices of 6 Transformer blocks of width 384, 42 MB in float32:

1 row    torch's linear 3.5 ms; oneDNN with the matrix in its own blocks 1.0 to 1.4; a weighted sum of rows 0.65
32 rows  torch's linear 11 ms; oneDNN with the matrix in its own blocks 3.6

`x W^T` is a weighted sum of the rows of W^T, the numbers of x being the weights. That is what `embedding_bag` computes,
which reads rows with prefetching and adds them up in registers, in bfloat16 and in bytes as well.

Shapes: N rows, I inputs, O outputs.
"""

import copy
import functools
from collections.abc import Callable
from typing import TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from inkloom.models.stepping import WeightType

FEW = 2
"""Rows up to which the sum of rows wins: it reads the matrix anew for each."""

SMALL = 1 << 15
"""Numbers of a matrix below which torch's linear is as fast (5 us), and the others' calls cost more."""

BLOCKED_FOR = 32
"""Rows for which oneDNN chooses its blocks: those it chooses for 1 row are slower even for that."""

PIECES = 2
"""Of one row's sum, which threads share: enough for a laptop; more pieces gain nothing, measured with 2, 4 and 8."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

Model = TypeVar("Model", bound=nn.Module)

Product: TypeAlias = Callable[[Tensor], Tensor]
"""x_NI -> y_NO, both float32."""


def rounded_to_bytes(weight_OI: Tensor) -> Tensor:
    """The matrix after rounding to 256 levels between the least and the largest weight of each input, in float32."""
    unpacked: Tensor = torch.ops.quantized.embedding_bag_byte_unpack(_byte_table(weight_OI))
    return unpacked.t().contiguous()


def packed_bytes(weight_OI: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same levels as (O, I) bytes, with the scale and the least weight of each of the I inputs."""
    packed_IP, outputs = _byte_table(weight_OI), len(weight_OI)
    scale_least_I2 = packed_IP[:, outputs:].contiguous().view(torch.float32)
    return packed_IP[:, :outputs].t().contiguous(), scale_least_I2[:, 0], scale_least_I2[:, 1]


def _byte_table(weight_OI: Tensor) -> Tensor:
    """W^T as bytes, row by row, each row with its scale and its least weight behind it (I, O + 8)."""
    table: Tensor = torch.ops.quantized.embedding_bag_byte_prepack(weight_OI.float().t().contiguous())
    return table


def rounded(model: Model, kind: WeightType) -> Model:
    """A copy whose large matrices have the values that they have as `kind`, in float32: its score shows the loss."""
    copied = copy.deepcopy(model)
    for module in copied.modules():
        if isinstance(module, nn.Linear | nn.RNNBase):
            for weight in module.parameters(recurse=False):
                if weight.ndim == 2 and weight.numel() >= SMALL:
                    weight.data = (
                        rounded_to_bytes(weight.data) if kind == "int8" else weight.data.to(DTYPES[kind]).float()
                    )
    return copied


def weighted_sums(table_RC: Tensor, rows: Tensor, starts: Tensor, weights: Tensor) -> Tensor:
    """Sums of rows of a table, each times its weight, (sums, C): one from each of `starts` in `rows` to the next."""
    sums: Tensor = torch.embedding_bag(table_RC, rows, starts, False, 0, False, weights)[0]
    return sums


class PackedLinear:
    """x W^T + b for inference, without gradients. Each layout of W is made when first needed."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor | None, kind: WeightType = "float32") -> None:
        self._kind = kind
        weight_OI = weight_OI.detach()
        self._small = weight_OI.numel() < SMALL
        self._weight_OI = rounded_to_bytes(weight_OI) if kind == "int8" and not self._small else weight_OI
        self._bias_O = None if bias_O is None else bias_O.detach()

    def __call__(self, x_NI: Tensor) -> Tensor:
        """y_NO in float32."""
        if self._small:
            return functional.linear(x_NI, self._weight_OI, self._bias_O)
        y_NO = self._sum_rows(x_NI) if len(x_NI) <= FEW else self._blocked(x_NI)
        return y_NO if self._bias_O is None else y_NO.add_(self._bias_O)

    @functools.cached_property
    def _table_IO(self) -> Tensor:
        if self._kind == "int8":
            return _byte_table(self._weight_OI)
        weight_IO = self._weight_OI.t().contiguous()
        return weight_IO.to(torch.bfloat16) if self._kind == "bfloat16" else weight_IO

    @functools.cached_property
    def _places(self) -> dict[int, tuple[Tensor, Tensor]]:
        """Which rows of the table are summed for so many rows of x, and where each sum starts."""
        inputs = self._weight_OI.shape[1]
        return {
            rows: (torch.arange(inputs).repeat(rows), torch.arange(rows * pieces) * -(-inputs // pieces))
            for rows, pieces in ((1, PIECES), (2, 1))
        }

    def _sum_rows(self, x_NI: Tensor) -> Tensor:
        rows, starts = self._places[len(x_NI)]
        weights = x_NI.reshape(-1)
        if self._kind == "int8":
            sums: Tensor = torch.ops.quantized.embedding_bag_byte_rowwise_offsets(
                self._table_IO, rows, starts, False, 0, False, weights
            )
        else:
            sums = weighted_sums(self._table_IO, rows, starts, weights.to(self._table_IO.dtype)).float()
        return sums if len(sums) == len(x_NI) else sums.sum(dim=0, keepdim=True)

    @functools.cached_property
    def _blocked(self) -> Product:
        """The product with the matrix in oneDNN's own blocks; torch's own where this PyTorch has no oneDNN."""
        dtype = torch.bfloat16 if self._kind == "bfloat16" else torch.float32
        weight_OI = self._weight_OI.to(dtype)
        if not torch._C._has_mkldnn:
            return lambda x_NI: functional.linear(x_NI.to(dtype), weight_OI).float()
        blocks = torch.ops.mkldnn._reorder_linear_weight(weight_OI.contiguous(), BLOCKED_FOR)
        linear = torch.ops.mkldnn._linear_pointwise
        return lambda x_NI: linear(x_NI.to(dtype), blocks, None, "none", [], "").float()
