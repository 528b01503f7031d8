"""UTF-8 as the `tokenizers` library writes it in a vocabulary, and as text again, for tokenizers that work on it."""

import codecs
import json
from collections.abc import Mapping, Sequence
from typing import Any

import tokenizers

END = "<end>"

_PRINTABLE = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
BYTE_NAMES = [chr(byte if byte in _PRINTABLE else 256 + _OTHERS.index(byte)) for byte in range(256)]
"""The character that stands for each byte: itself where it is printable (Radford et al. 2019, GPT-2)."""

_BYTES = {name: byte for byte, name in enumerate(BYTE_NAMES)}
_NAMES = str.maketrans(dict(enumerate(BYTE_NAMES)))


def utf8(text: str) -> bytes:
    """UTF-8, in which half of a surrogate pair takes three bytes."""
    return text.encode("utf-8", "surrogatepass")


def named(data: bytes) -> str:
    """Bytes as the characters that stand for them."""
    return data.decode("latin-1").translate(_NAMES)


def unnamed(names: str) -> bytes:
    """The bytes that characters stand for. KeyError where one stands for none."""
    return bytes(_BYTES[name] for name in names)


def library_tokenizer(model: tokenizers.models.BPE, pattern: str | None = None) -> tokenizers.Tokenizer:
    """The library's tokenizer of bytes; `pattern` finds the pieces of a text within which it merges them."""
    library = tokenizers.Tokenizer(model)
    split = [tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")] if pattern else []
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    library.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([*split, byte_level])
    library.decoder = tokenizers.decoders.ByteLevel()
    return library


def library_json(library: tokenizers.Tokenizer, own: Mapping[str, Any]) -> dict[str, Any]:
    """What the library's tokenizer.json holds, with what is inkloom's own where the library skips it."""
    data: dict[str, Any] = json.loads(library.to_str())
    data["model"]["inkloom"] = own
    return data


class ByteDecoder:
    """Tokens of bytes to text. An unfinished character is held back; bytes that are no UTF-8 read as U+FFFD."""

    def __init__(self, bytes_of_tokens: Sequence[bytes], prompt: Sequence[int]) -> None:
        self._bytes = bytes_of_tokens
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for token in prompt:
            self.push(token)

    def push(self, token: int) -> str:
        return self._decoder.decode(self._bytes[token])

    def flush(self) -> str:
        return self._decoder.decode(b"", final=True)
