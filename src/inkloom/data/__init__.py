"""BATCHES: splits as ids, cut into windows or carried streams by pure functions of the step.

`batches` is not imported here: processes that encode text need no PyTorch.
"""

from inkloom.data.encoded import EncodedPart, encode_part

__all__ = ["EncodedPart", "encode_part"]
