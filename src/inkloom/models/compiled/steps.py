"""A Transformer's single steps as machine code, and the threads that share them.

Shapes: as in `transformer.py`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from inkloom.models.compiled.packing import can_pack, floats, packed
from inkloom.models.compiled.team import new_control
from inkloom.models.compiled.transformer import PATIENCE, PHASES_OF_A_BLOCK, Work, begin_tokens, work_on
from inkloom.models.stepping import WeightType

if TYPE_CHECKING:
    from inkloom.models.transformer import Transformer


MOST_THREADS = 8
"""A product has some 30 pieces, and each thread that looks for work costs those that have some."""


class CompiledSteps:
    """Reads single tokens in a few rows. Threads help while tokens come one after the other, and leave soon after."""

    def __init__(self, model: "Transformer", kind: WeightType, turns_2WD: Tensor | None) -> None:
        self._model, self._network = model, packed(model, kind, turns_2WD)
        self._embedding_VC = model.embedding.weight.detach().numpy()
        self._scale = np.float32(model.embedding_scale)
        self._positions_WC = None if model.positions_WC is None else model.positions_WC.detach().numpy()
        self._threads = min(torch.get_num_threads(), MOST_THREADS)
        self._pool = ThreadPoolExecutor(self._threads - 1, "inkloom-steps") if self._threads > 1 else None
        self._helping = 0
        self._work = self._work_for(1)

    @staticmethod
    def can_read(model: "Transformer", kind: WeightType) -> bool:
        """Whether the kernels know this network."""
        return can_pack(model, kind)

    def load(self) -> None:
        """Load the machine code, or compile it where this machine never did."""
        width, layers = self._model.config.width, self._network.layers
        self.read([0], [0], *(torch.zeros(layers, 1, 1, width, 1) for _ in range(2)))

    def read(self, tokens: Sequence[int], positions: Sequence[int], keys_LBHDS: Tensor, values_LBHSD: Tensor) -> Tensor:
        """Logits (B, V) after a token in each row, at its position of the buffers, which get its keys and values."""
        if len(tokens) != len(self._work.x_BC):
            self._work, self._helping = self._work_for(len(tokens)), 0
        work = self._work
        np.multiply(self._embedding_VC[tokens], self._scale, out=work.x_BC)
        if self._positions_WC is not None:
            np.add(work.x_BC, self._positions_WC[positions], out=work.x_BC)
        work.positions_B[:] = positions
        if self._pool is not None and self._helping < self._threads - 1:
            self._call_helpers(self._pool)
        room, keys, values = keys_LBHDS.shape[-1], keys_LBHDS.data_ptr(), values_LBHSD.data_ptr()
        begin_tokens(work.control, work.buffers, room, keys, values)
        self._helping = work_on(self._network, work, 0, 0)
        return torch.from_numpy(work.logits_BV.copy())

    def _call_helpers(self, pool: ThreadPoolExecutor) -> None:
        """Those that have left; one that is leaving is called with the next token."""
        for thread in range(1, self._threads):
            if not self._work.helping_T[thread]:
                self._work.helping_T[thread] = 1
                pool.submit(work_on, self._network, self._work, thread, PATIENCE)

    def _work_for(self, rows: int) -> Work:
        network, width, threads = self._network, self._model.config.width, self._threads
        return Work(
            control=new_control(PHASES_OF_A_BLOCK * network.layers + 1, threads),
            helping_T=np.zeros(threads, np.int64),
            positions_B=np.zeros(rows, np.int64),
            buffers=np.zeros(3, np.int64),
            x_BC=floats(rows, width),
            queries_keys_values_B3C=floats(rows, 3 * width),
            gathered_BC=floats(rows, width),
            hidden_BF=floats(rows, 2 * network.hidden if network.gated else network.hidden),
            logits_BV=floats(rows, self._model.vocab_size),
            own_TBF=floats(threads, rows, max(network.hidden, 2 * width)),
            constants_TB=floats(threads, rows),
            scores_TW=floats(threads, self._model.window),
        )
