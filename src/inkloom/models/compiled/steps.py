"""A Transformer's single steps as machine code, and the threads that share them.

Shapes: as in `transformer.py`.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from inkloom.models.compiled.packing import can_pack, floats, packed
from inkloom.models.compiled.team import new_control
from inkloom.models.compiled.transformer import PATIENCE, PHASES_OF_A_BLOCK, Work, begin_token, work_on
from inkloom.models.stepping import WeightType

if TYPE_CHECKING:
    from inkloom.models.transformer import Transformer


class CompiledSteps:
    """Reads single tokens of one row. Threads help while tokens come one after the other, and leave soon after."""

    def __init__(self, model: "Transformer", kind: WeightType, turns_2WD: Tensor | None) -> None:
        width, threads = model.config.width, torch.get_num_threads()
        self._embedding_VC = model.embedding.weight.detach().numpy()
        self._scale = np.float32(model.embedding_scale)
        self._positions_WC = None if model.positions_WC is None else model.positions_WC.detach().numpy()
        self._network = network = packed(model, kind, turns_2WD)
        self._work = Work(
            control=new_control(PHASES_OF_A_BLOCK * network.layers + 1, threads),
            helping_T=np.zeros(threads, np.int64),
            token=np.zeros(4, np.int64),
            x_C=floats(width),
            queries_keys_values_3C=floats(3 * width),
            gathered_C=floats(width),
            hidden_F=floats(2 * network.hidden if network.gated else network.hidden),
            logits_V=floats(model.vocab_size),
            own_TF=floats(threads, max(network.hidden, 2 * width)),
            scores_TW=floats(threads, model.window),
        )
        self._threads = range(1, threads)
        self._pool = ThreadPoolExecutor(len(self._threads), "inkloom-steps") if self._threads else None
        self._helping = 0

    @staticmethod
    def can_read(model: "Transformer", kind: WeightType) -> bool:
        """Whether the kernels know this network."""
        return can_pack(model, kind)

    def load(self) -> None:
        """Load the machine code, or compile it where this machine never did."""
        width, layers = len(self._work.x_C), self._network.layers
        self.read(0, 0, *(torch.zeros(layers, 1, 1, width, 1) for _ in range(2)))

    def read(self, token: int, position: int, keys_L1HDS: Tensor, values_L1HSD: Tensor) -> Tensor:
        """Logits (1, V) after a token at a position of the buffers, which get its keys and values."""
        work = self._work
        np.multiply(self._embedding_VC[token], self._scale, out=work.x_C)
        if self._positions_WC is not None:
            np.add(work.x_C, self._positions_WC[position], out=work.x_C)
        if self._pool is not None and self._helping < len(self._threads):
            self._call_helpers(self._pool)
        room, keys, values = keys_L1HDS.shape[-1], keys_L1HDS.data_ptr(), values_L1HSD.data_ptr()
        begin_token(work.control, work.token, position, room, keys, values)
        self._helping = work_on(self._network, work, 0, 0)
        return torch.from_numpy(work.logits_V.copy()).unsqueeze(0)

    def _call_helpers(self, pool: ThreadPoolExecutor) -> None:
        """Those that have left; one that is leaving is called with the next token."""
        for thread in self._threads:
            if not self._work.helping_T[thread]:
                self._work.helping_T[thread] = 1
                pool.submit(work_on, self._network, self._work, thread, PATIENCE)
