"""BATCHES: splits as ids, cut into windows or carried streams by pure functions of the step."""

from inkloom.data.batches import BATCHINGS, Batch, BatchSource
from inkloom.data.encoded import EncodedPart, encode_part

__all__ = ["BATCHINGS", "Batch", "BatchSource", "EncodedPart", "encode_part"]
