"""Words as tokens: those that are frequent in train have an id each, all others share one.

The ids are 0 for a word outside the vocabulary (`<unk>`), 1 for the end of a document (`<end>`), 2 for the end of a
line (`<eos>`), and from 3 on the words, the most frequent first. `units` says how a text is cut into words.

What the ids do not tell is charged for, so that scores per character compare with those of all other tokenizers: an
unknown word is spelt by a model of characters (`spelling`), gaps and capital letters by models of the layout
(`layout`), all of them fitted on train. A literal `<unk>` in the text is no lost text and costs nothing: what it takes
to tell it from lost words is paid by those, on average.

Encoding looks every unit of a text up among those that were met before, and adds up their prices as arrays.

Shapes: N units of a stretch of text, U distinct units.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pydantic

from inkloom.errors import InputError
from inkloom.tokenizers.base import Encoding, Ids, Lengths, TokenDecoder, Tokenizer
from inkloom.tokenizers.charges import Census, Charges
from inkloom.tokenizers.detokenise import RuleWriter, UsualWriter, Writer
from inkloom.tokenizers.layout import layout_of
from inkloom.tokenizers.units import (
    AT_TEXT_END,
    CHUNK_CHARS,
    LINE_END,
    OTHER_GAP,
    PATTERNS,
    UNKNOWN,
    Mode,
    Traits,
    Units,
)

END = "<end>"
SPECIAL = (UNKNOWN, END, LINE_END)

MOST_UNITS = 1 << 17
"""Distinct units that are kept from one text to the next, in some 300 bytes each. A megabyte of English has 30,000."""

NEAR_WORDS = 30_000
"""Of the vocabulary, the most frequent, that are compared with an unknown word, which takes half a second."""

_WHITE_SPACE = "".join(chr(code) for code in range(0x3001) if chr(code).isspace() and chr(code) != LINE_END)

_SET_APART = re.compile(r"(?<=\w)-(?=\w)|(?<=\d)[,.](?=\d)")
_PARTS = re.compile(r"@[-,.]@|['’]\w+|\w+|[^\w\s]")


class WordTokenizer(Tokenizer):
    """A vocabulary of words."""

    name = "word"
    unknown_id = SPECIAL.index(UNKNOWN)
    end_id = SPECIAL.index(END)

    class Config(Tokenizer.Config):
        """How a text is cut into words, and which of them have an id."""

        mode: Mode = "basic"
        """whitespace: what stands between white space, as in WikiText; basic: words in lower case, numbers, marks."""

        vocab_size: int = pydantic.Field(50_000, gt=len(SPECIAL), le=1 << 32)
        """Most ids, the three special ones included; the most frequent words get them."""

        min_count: int = pydantic.Field(2, ge=1)
        """How often train must have a word. With 1 it has no unknown word that a model could learn from."""

    config: Config

    def __init__(self, config: Config, words: Sequence[str], charges: Charges) -> None:
        """words: the vocabulary, from the first id after the special ones on."""
        self.config = config
        self.words = (*SPECIAL, *words)
        self.vocab_size = len(self.words)
        self.charges = charges
        self._ids = _ids(words)
        self._forget()

    @classmethod
    def fit(cls, texts: Iterable[str], config: Config) -> Self:  # type: ignore[override]  # its own Config
        """The vocabulary of the words in `texts`, and the price of what it loses, by the same texts.

        Raises InputError where no word is left.
        """
        census = Census(config.mode)
        for together in _in_batches(texts):
            census.add(together)
        counts = census.words()
        frequent = sorted(counts, key=lambda word: (-counts[word], word))
        if not frequent:
            raise InputError("The text has no words, only white space. Give a text, or take --tokenizer char.")
        if counts[frequent[0]] < config.min_count:
            raise InputError(
                f"tokenizer.min_count got {config.min_count}, but {frequent[0]!r}, the most frequent word, occurs "
                f"{counts[frequent[0]]} times in train: no word is left. Give {counts[frequent[0]]} or less."
            )
        words = [word for word in frequent if counts[word] >= config.min_count and word != END]
        words = words[: config.vocab_size - len(SPECIAL)]
        ids = _ids(words)
        return cls(config, words, census.charges(words, lambda word: ids.get(word, cls.unknown_id), len(ids) + 1))

    def encode(self, text: str) -> Encoding:
        """One id a token. The charge is for spelling what is unknown, for gaps and, in `basic`, for capital letters."""
        return self.encode_all([text], [False])

    def encode_all(self, texts: Sequence[str], ends: Sequence[bool]) -> Encoding:
        if len(self._units.found) > MOST_UNITS:
            self._forget()
        ids: list[Ids] = [np.empty(0, self.dtype)]
        texts_ended, unknown_tokens, charge_nats = 0, 0, 0.0
        for stretch in self._units.read(texts):
            traits = self._units.traits
            self._price(traits)
            layout = layout_of(stretch, traits)
            units_N = stretch.units[stretch.own]
            ids_N = self._id_U[units_N]
            unknown_tokens += int(np.count_nonzero(self._lost_U[units_N]))
            charge_nats += float(self._nats_U[units_N].sum()) + self.charges.gaps.nats(layout)
            if self.charges.cases is not None:
                charge_nats += self.charges.cases.nats(ids_N, layout)
            at_end_N = layout.kind_N == AT_TEXT_END  # a unit that has a gap and no token
            stop = texts_ended + int(np.count_nonzero(at_end_N))
            kept_N = ~at_end_N
            kept_N[at_end_N] = ends[texts_ended:stop]
            texts_ended = stop
            ids.append(np.where(at_end_N, self.end_id, ids_N)[kept_N].astype(self.dtype))
        return Encoding(np.concatenate(ids), unknown_tokens, charge_nats)

    def encode_prompt(self, text: str) -> list[int]:
        """The ids of a prompt, in which punctuation need not stand apart, whatever the mode.

        InputError names the unknown words, and known ones that are near the first of them.
        """
        words = self._words_of_prompt(text)
        if unknown := [word for word in dict.fromkeys(words) if word not in self._ids]:
            raise InputError(self._complaint(unknown))
        return [self._ids[word] for word in words]

    def known(self, text: str) -> set[str]:
        return self._ids.keys() & set(self._tokens(text))

    def lengths(self, text: str) -> Lengths:
        """A token has the characters of its gap, too, and the last one the white space behind it."""
        units = Units(self.config.mode)
        lengths = np.concatenate([units.traits.length_U[stretch.units[stretch.own]] for stretch in units.read([text])])
        if len(lengths) > 1:
            lengths[-2] += lengths[-1]
        return lengths[:-1]

    def decoder(self, prompt: Sequence[int] = ()) -> TokenDecoder:
        """A decoder that holds nothing back: what stands before a token follows from those before it."""
        decoder = _WordDecoder(self.words, self.end_id, self._writer())
        for token in prompt:
            decoder.push(token)
        return decoder

    def text_of(self, token: int) -> str:
        """The word of an id as the vocabulary has it."""
        return "" if token == self.end_id else self.words[token]

    def to_json(self) -> dict[str, Any]:
        """The library's format: a WordLevel model, with what is inkloom's own inside it, where the library skips it."""
        basic = [_split(PATTERNS["basic"], "Isolated")] if self.config.mode == "basic" else []
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [],
            "normalizer": {"type": "Lowercase"} if basic else None,
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [_split(LINE_END, "Isolated"), _split(f"[{_WHITE_SPACE}]+", "Removed"), *basic],
            },
            "post_processor": None,
            "decoder": None,
            "model": {
                "type": "WordLevel",
                "vocab": {word: number for number, word in enumerate(self.words)},
                "unk_token": UNKNOWN,
                "inkloom": {"name": self.name, "config": self.config.model_dump(), **self.charges.to_json()},
            },
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        try:
            numbers, own = data["model"]["vocab"], data["model"]["inkloom"]
            words = sorted(numbers, key=numbers.__getitem__)
            if tuple(words[: len(SPECIAL)]) != SPECIAL or sorted(numbers.values()) != list(range(len(words))):
                raise ValueError("its ids are not 0, 1, 2 and so on, the special ones first")
            words = words[len(SPECIAL) :]
            return cls(cls.Config(**own["config"]), words, Charges.from_json(own, words, len(numbers)))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"The word vocabulary is damaged ({' '.join(str(error).split())[:80]}). "
                "Restore tokenizer.json from a copy, or train again."
            ) from error

    def _forget(self) -> None:
        """Keep no units but those that come from now on."""
        self._units = Units(self.config.mode)
        self._id_U = np.empty(0, np.int64)
        self._lost_U = np.empty(0, np.bool_)
        self._nats_U = np.empty(0)

    def _price(self, traits: Traits) -> None:
        """Look up the units that are new: their ids, whether they are lost, and their price but for the layout's."""
        new = self._units.found[len(self._id_U) :]
        if not new:
            return
        id_U = np.array([self._ids.get(unit.token, self.unknown_id) for unit in new])
        lost_U = (id_U == self.unknown_id) & np.array([unit.token not in ("", UNKNOWN) for unit in new])
        nats_U = np.array([unit.case_nats for unit in new])
        if lost_U.any():
            lost = [new[place].token for place in np.flatnonzero(lost_U)]
            nats_U[lost_U] += self.charges.speller.nats(lost) + self.charges.telling_nats
        spelt_U = traits.gap_U[len(self._id_U) :] == OTHER_GAP
        if spelt_U.any():
            nats_U[spelt_U] += self.charges.gap_speller.nats([new[place].gap for place in np.flatnonzero(spelt_U)])
        self._id_U = np.concatenate([self._id_U, id_U])
        self._lost_U = np.concatenate([self._lost_U, lost_U])
        self._nats_U = np.concatenate([self._nats_U, nats_U])

    def _writer(self) -> Writer:
        if self.charges.cases is None or self.charges.gaps.commas_stand_apart:
            return RuleWriter()
        return UsualWriter(self.charges.gaps, self.charges.cases)

    def _words_of_prompt(self, text: str) -> list[str]:
        return [part for word in self._tokens(text) for part in self._parts(word)]

    def _tokens(self, text: str) -> list[str]:
        units = Units(self.config.mode)
        numbers = [stretch.units[stretch.own] for stretch in units.read([text])]
        return [units.found[number].token for number in np.concatenate(numbers).tolist()][:-1]

    def _parts(self, word: str) -> list[str]:
        """A word as it is where it is known, else with its marks set apart, as in WikiText, where these are known."""
        if word in self._ids:
            return [word]
        parts = _PARTS.findall(_SET_APART.sub(r" @\g<0>@ ", word))
        marks_known = all(part in self._ids for part in parts if not any(map(str.isalnum, part)))
        return parts if marks_known and len(parts) > 1 else [word]

    def _complaint(self, unknown: list[str]) -> str:
        words = self.words[len(SPECIAL) :]
        spellings = (unknown[0].lower(), unknown[0].capitalize(), unknown[0].upper())
        near = [word for word in dict.fromkeys(spellings) if word in self._ids]
        near += difflib.get_close_matches(unknown[0], words[:NEAR_WORDS], n=3)
        parts = [
            f"The prompt has the word {_shown(unknown[0])}, which is none of the {len(words):,} that this model knows.",
            f"Nearest known: {', '.join(map(repr, dict.fromkeys(near)))}." if near else "Leave it out.",
        ]
        if others := unknown[1:]:
            listed = ", ".join(map(_shown, others[:8]))
            parts.append(f"Also unknown: {listed}{' …' if len(others) > 8 else ''}.")
        return " ".join(parts)


class _WordDecoder:
    def __init__(self, words: Sequence[str], end_id: int, writer: Writer) -> None:
        self._words = words
        self._end_id = end_id
        self._writer = writer

    def push(self, token: int) -> str:
        return "" if token == self._end_id else self._writer.write(self._words[token], token)

    def flush(self) -> str:
        return ""


def _in_batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts in groups of about CHUNK_CHARS characters, so that many short ones are counted at once."""
    batch: list[str] = []
    chars = 0
    for text in texts:
        batch.append(text)
        chars += len(text)
        if chars >= CHUNK_CHARS:
            yield batch
            batch, chars = [], 0
    yield batch


def _ids(words: Sequence[str]) -> dict[str, int]:
    """The id of every token that a text can have."""
    return {word: number for number, word in enumerate((*SPECIAL, *words)) if word != END}


def _split(pattern: str, behaviour: str) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behaviour, "invert": False}


def _shown(word: str) -> str:
    return repr(word if len(word) <= 40 else f"{word[:40]}…")
