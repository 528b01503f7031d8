"""A Transformer's single steps as machine code, and the threads that share them.

Shapes: as in `kernels.py`.
"""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from inkloom.models.compiled.kernels import (
    PATIENCE,
    PHASES_OF_A_BLOCK,
    POSITIONS,
    TILE_COLUMNS,
    TILE_ROWS,
    Product,
    Work,
    begin,
    new_control,
    work_on,
)
from inkloom.models.compiled.packing import floats, packed
from inkloom.models.stepping import WeightType
from inkloom.models.transformer_stepper import whole_blocks

if TYPE_CHECKING:
    from inkloom.models.transformer import Transformer


MOST_THREADS = 8
"""A product has some 30 pieces, and each thread that looks for work costs those that have some."""


class CompiledSteps:
    """Reads a token in each row, for one thread at a time, whom others help while tokens come one after the
    other; they leave soon after."""

    def __init__(self, model: "Transformer", kind: WeightType, turns_2WD: Tensor | None) -> None:
        """A network for which `can_pack` holds."""
        self._model, self._network = model, packed(model, kind, turns_2WD)
        self._embedding_VC = model.embedding.weight.detach().numpy()
        self._positions_WC = None if model.positions_WC is None else model.positions_WC.detach().numpy()
        self._threads = min(torch.get_num_threads(), MOST_THREADS)
        self._works: dict[int, Work] = {}
        self._work = self._work_for(1)
        self._buffers: tuple[Tensor, Tensor] | None = None  # of a step that has begun

    def load(self) -> None:
        """Load the machine code, or compile it where this machine never did."""
        layers, heads, size = self._network.layers, self._network.heads, self._network.size
        keys_LBHKDP = torch.zeros(layers, 1, heads, 1, size, POSITIONS, dtype=torch.float32)
        self.read([0], [0], keys_LBHKDP, torch.zeros(layers, 1, heads, POSITIONS, size, dtype=torch.float32))

    def read(
        self, tokens: Sequence[int], positions: Sequence[int], keys_LBHKDP: Tensor, values_LBHSD: Tensor
    ) -> Tensor:
        """Logits (B, V) after a token in each row, at its position of the buffers, which get its keys and values.

        The buffers are contiguous float32.
        """
        self.begin(tokens, positions, keys_LBHKDP, values_LBHSD)
        return self.finish()

    def begin(self, tokens: Sequence[int], positions: Sequence[int], keys_LBHKDP: Tensor, values_LBHSD: Tensor) -> None:
        """Let the helping threads begin with what `read` does. What was begun before and not finished is lost."""
        if self._buffers is not None:
            self.finish()
        if len(tokens) != len(self._work.x_BC):
            self._work = self._work_for(len(tokens))
        work = self._work
        x_BC = work.x_BC[:, : self._embedding_VC.shape[1]]
        x_BC[:] = self._embedding_VC[tokens]
        if self._positions_WC is not None:
            np.add(x_BC, self._positions_WC[positions], out=x_BC)
        work.positions_B[:] = positions
        work.buffers[:] = values_LBHSD.shape[3], keys_LBHKDP.data_ptr(), values_LBHSD.data_ptr()
        self._buffers = keys_LBHKDP, values_LBHSD
        begin(work)
        self._call_helpers()

    def finish(self) -> Tensor:
        """The logits (B, V) of what was begun."""
        work_on(self._network, self._work, 0, 0)
        self._buffers = None
        return torch.from_numpy(self._work.logits_BV[:, : self._model.vocab_size].copy())

    def _call_helpers(self) -> None:
        """Those that are not there; one that is about to leave is called with the next token."""
        for thread in range(1, self._threads):
            if not self._work.helping_T[thread]:
                self._work.helping_T[thread] = 1
                # It holds on to all that it reads and writes. The interpreter waits for it at the end, which takes no
                # longer than its patience: it would die of coming back to an interpreter that is gone.
                helper = threading.Thread(target=self._help, args=(self._work, thread))
                try:
                    helper.start()
                except RuntimeError:  # the interpreter ends, or has no more threads: alone it works as well
                    self._work.helping_T[thread] = 0

    def _help(self, work: Work, thread: int) -> None:
        work_on(self._network, work, thread, PATIENCE)

    def _work_for(self, rows: int) -> Work:
        if rows not in self._works:
            network, threads = self._network, self._threads
            width, window = network.heads * network.size, self._model.window
            self._works[rows] = Work(
                control=new_control(PHASES_OF_A_BLOCK * network.layers + 1, threads),
                helping_T=np.zeros(threads, np.int64),
                positions_B=np.zeros(rows, np.int64),
                buffers=np.zeros(3, np.int64),
                x_BC=floats(rows, _columns(network.output)),
                queries_keys_values_B3C=floats(rows, _columns(network.queries_keys_values)),
                gathered_BC=floats(rows, width),
                hidden_BF=floats(rows, _columns(network.feed_forward_input)),
                logits_BV=floats(rows, _columns(network.head)),
                own_TBF=floats(threads, rows, max(_columns(network.feed_forward_input), 2 * width)),
                constants_TB=floats(threads, rows),
                scores_TW=floats(threads, whole_blocks(window)),
                sums_TS=floats(threads, TILE_ROWS * TILE_COLUMNS),
            )
        return self._works[rows]


def _columns(product: Product) -> int:
    """What a product writes in a row."""
    return int(product.bias_LO.shape[1])
