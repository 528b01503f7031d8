"""N-gram tables as ARPA files, the text format that n-gram toolkits share: a section for each length, and in it a line
`log10 p <tab> words <tab> log10 b` for each n-gram, without the back-off where b is 1.

Such a file has two words for the end token: `<s>` where it begins a text, as context, and `</s>` where it ends one and
is predicted. The format has no place for counts, discounts and the share of the uniform distribution.

Shapes: G n-grams of one length, L tokens in each, V vocabulary.
"""

import itertools
import logging
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from inkloom.errors import InputError
from inkloom.files import atomic_write
from inkloom.models.ngram import NGram
from inkloom.tokenizers.base import Tokenizer

log = logging.getLogger("inkloom")

BEGIN, END, UNKNOWN = "<s>", "</s>", "<unk>"

NEVER = -99.0
"""What the format has for log10 of no probability."""

Keys = NDArray[np.int64]
Floats = NDArray[np.float64]


def arpa_words(tokenizer: Tokenizer) -> list[str]:
    """A distinct word without white space for every token, as `write_arpa` and `read_arpa` need them.

    A token is written as its text, white space in it by code point, `<U+0020>`. A token without a text of its own, such
    as a piece of a UTF-8 character, is written as its id, `<id:7>`.
    """
    words: list[str] = []
    taken = {"", BEGIN, END, UNKNOWN}
    for token in range(tokenizer.vocab_size):
        text = tokenizer.text_of(token)
        word = "".join(f"<U+{ord(character):04X}>" if character.isspace() else character for character in text)
        words.append(word if word not in taken and "\ufffd" not in word else f"<id:{token}>")
        taken.add(words[-1])
    words[tokenizer.end_id] = END
    if tokenizer.unknown_id is not None:
        words[tokenizer.unknown_id] = UNKNOWN
    return words


def write_arpa(model: NGram, words: Sequence[str], path: Path) -> None:
    """Write the model's tables. `words` has one for every token, `</s>` for the end token."""
    end, V = words.index(END), model.vocab_size
    log_probs = [0.0, *(model.log_probs_G.double() / math.log(10)).clamp(max=0).tolist()]  # by node, like the back-offs
    log_backoffs = (model.log_backoffs.double() / math.log(10)).tolist() + [0.0] * model.sizes[-1]
    keys_G = model.keys_G.numpy(force=True)
    with atomic_write(path) as file:
        sizes = [V + 1, *model.sizes[1:]]  # the file has <s> and </s> for the end token
        file.writelines(["\\data\\\n", *(f"ngram {length}={size}\n" for length, size in enumerate(sizes, start=1))])
        prefixes = [""]
        for length, (contexts, nodes) in enumerate(itertools.pairwise(model.spans), start=1):
            prefix_G, token_G = np.divmod(keys_G[nodes.start - 1 : nodes.stop - 1], V)
            pairs = zip((prefix_G - contexts.start).tolist(), token_G.tolist(), strict=True)
            ngrams = [prefixes[prefix] + words[token] for prefix, token in pairs]
            prefixes = [f"{ngram} " for ngram in ngrams]
            file.write(f"\n\\{length}-grams:\n")
            if length == 1:
                file.write(_line(NEVER, BEGIN, log_backoffs[1 + end]))
                prefixes[end], log_backoffs[1 + end] = f"{BEGIN} ", 0.0
            file.writelines(map(_line, log_probs[nodes], ngrams, log_backoffs[nodes]))
        file.write("\n\\end\\\n")


def read_arpa(path: Path, words: Sequence[str]) -> NGram:
    """The model of an ARPA file. `words` has one for every token, `</s>` for the end token.

    Words that the file lacks have no probability, which is announced. Raises InputError for a file that is no whole
    ARPA file, and for one with words that are not among `words`.
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        reader = _Reader(path, file, words)
        sections = [reader.section(length, size) for length, size in enumerate(reader.sizes(), start=1)]
        reader.expect("\\end\\")
    levels = [_vocabulary(sections[0], words, path)]
    for section in sections[1:]:
        levels.append(_sorted(section, [level.keys_G for level in levels], words, path))
    model = NGram(NGram.Config(order=len(levels), ngrams=tuple(len(level.keys_G) for level in levels)), len(words))
    log_backoffs = np.zeros(1)
    for length, level in enumerate(levels, start=1):
        model.fill(length, level.keys_G, level.log_probs_G, log_backoffs)
        log_backoffs = level.log_backoffs_G
    return model


class _Section(NamedTuple):
    """The n-grams of one length as they stand in the file. The id of `<s>` is V."""

    ids_GL: NDArray[np.int64]
    log_probs_G: Floats
    log_backoffs_G: Floats


class _Level(NamedTuple):
    """The same as NGram has them: sorted by `prefix * V + last token`, the prefix being its place one level below."""

    keys_G: Keys
    log_probs_G: Floats
    log_backoffs_G: Floats


class _Reader:
    """The lines of an ARPA file that are not empty, one at a time."""

    def __init__(self, path: Path, lines: Iterable[str], words: Sequence[str]) -> None:
        self.path = path
        self.ids = {**{word: token for token, word in enumerate(words)}, BEGIN: len(words)}
        self.lines = enumerate(lines, start=1)
        self.number = 0
        self.line = ""
        self.advance()

    def advance(self) -> None:
        """Go to the next line; at the end of the file it is empty."""
        for number, line in self.lines:
            self.number, self.line = number, line.strip(" \t\r\n")
            if self.line:
                return
        self.line = ""

    def expect(self, line: str) -> None:
        """Go past this line; any other is an error."""
        if self.line != line:
            raise self.error(f"{line} is expected")
        self.advance()

    def error(self, problem: str) -> InputError:
        """What is wrong at the current line."""
        place = f"line {self.number} ({self.line[:40]!r})" if self.line else "the end"
        return InputError(f"{self.path} cannot be read as ARPA at {place}: {problem}. Give a whole ARPA file.")

    def sizes(self) -> list[int]:
        """The header: how many n-grams of each length there are. What stands before it is skipped."""
        while self.line and self.line != "\\data\\":
            self.advance()
        self.expect("\\data\\")
        sizes: list[int] = []
        while self.line.startswith(f"ngram {len(sizes) + 1}="):
            size = self.line.partition("=")[2].strip()
            if not size.isdecimal():
                raise self.error("a number of n-grams is expected")
            sizes.append(int(size))
            self.advance()
        if not sizes:
            raise self.error("ngram 1= and a number are expected")
        return sizes

    def section(self, length: int, size: int) -> _Section:
        """The n-grams of one length."""
        self.expect(f"\\{length}-grams:")
        ids, log_probs, log_backoffs = [], [], []
        for _ in range(size):
            log_prob, *words = self.line.replace("\t", " ").split(" ")
            log_backoff = words.pop() if len(words) == length + 1 else "0"
            if len(words) != length:
                raise self.error(f"a probability, {length} words and perhaps a back-off are expected")
            try:
                ids += [self.ids[word] for word in words]
                log_probs.append(float(log_prob))
                log_backoffs.append(float(log_backoff))
            except KeyError as error:
                raise self.error(f"the vocabulary lacks the word {error}") from error
            except ValueError as error:
                raise self.error("a number is expected") from error
            self.advance()
        natural = math.log(10)
        return _Section(
            np.array(ids, np.int64).reshape(size, length),
            np.array(log_probs) * natural,
            np.array(log_backoffs) * natural,
        )


def _vocabulary(section: _Section, words: Sequence[str], path: Path) -> _Level:
    """A unigram for every token. The end token has the probability of `</s>` and the back-off of `<s>`."""
    V = len(words)
    ids_G = section.ids_GL[:, 0]
    log_probs_V = np.full(V + 1, NEVER * math.log(10))
    log_backoffs_V = np.zeros(V + 1)
    log_probs_V[ids_G] = section.log_probs_G
    log_backoffs_V[ids_G] = section.log_backoffs_G
    log_backoffs_V[words.index(END)] = log_backoffs_V[V]
    if missing := [words[token] for token in np.setdiff1d(np.arange(V), ids_G)]:
        log.warning(f"{path} lacks {len(missing)} of {V} words, such as {missing[0]!r}; they have no probability.")
    return _Level(np.arange(V), log_probs_V[:V], log_backoffs_V[:V])


def _sorted(section: _Section, levels: Sequence[Keys], words: Sequence[str], path: Path) -> _Level:
    """N-grams of two or more tokens. Raises InputError where one stands twice, or its prefix is not in the file."""
    V = len(words)
    ids_GL = np.where(section.ids_GL == V, words.index(END), section.ids_GL)
    prefixes_G = ids_GL[:, 0]
    for keys_G, ids_G in zip(levels[1:], ids_GL.T[1:-1], strict=True):
        wanted_G = prefixes_G * V + ids_G
        prefixes_G = np.searchsorted(keys_G, wanted_G)
        for lost in np.flatnonzero(keys_G.take(prefixes_G, mode="clip") != wanted_G)[:1]:
            ngram = " ".join(words[token] for token in ids_GL[lost])
            raise InputError(f"{path} has the n-gram {ngram!r}, but not the one it prolongs. Give a whole ARPA file.")
    keys_G = prefixes_G * V + ids_GL[:, -1]
    order = np.argsort(keys_G)
    keys_G = keys_G[order]
    for place in np.flatnonzero(keys_G[1:] == keys_G[:-1])[:1]:
        ngram = " ".join(words[token] for token in ids_GL[order[place]])
        raise InputError(f"{path} has the n-gram {ngram!r} twice. Give a whole ARPA file.")
    return _Level(keys_G, section.log_probs_G[order], section.log_backoffs_G[order])


def _line(log_prob: float, ngram: str, log_backoff: float) -> str:
    return f"{log_prob:.8g}\t{ngram}\t{log_backoff:.8g}\n" if log_backoff else f"{log_prob:.8g}\t{ngram}\n"
