"""IDS: tokenizers, one a file, one line each in the table."""

from inkloom.registry import Registry
from inkloom.tokenizers.base import Encoding, Ids, TokenDecoder, Tokenizer

TOKENIZERS: Registry[type[Tokenizer]] = Registry(
    "tokenizer",
    {
        "char": "inkloom.tokenizers.char:CharTokenizer",
    },
)

__all__ = ["TOKENIZERS", "Encoding", "Ids", "TokenDecoder", "Tokenizer"]
