"""ARPA files: the format's own lines, there and back, and files that are none."""

import itertools
import logging

import numpy as np
import pytest
import torch

from inkloom.errors import InputError
from inkloom.models.arpa import arpa_words, read_arpa, write_arpa
from inkloom.models.kneser_ney import count_ngrams, estimate
from inkloom.tokenizers.char import CharTokenizer
from inkloom.tokenizers.word import WordTokenizer
from tests.models.test_ngram import TEN_TOKENS, estimated, probs_after

WORDS = ["<unk>", "</s>", "a", "b", "c"]


@pytest.fixture
def ten_tokens(tmp_path):
    """The file of the text that test_ngram works out by hand."""
    file = tmp_path / "ten.arpa"
    write_arpa(estimated(TEN_TOKENS, 2), WORDS, file)
    return file


def test_the_lines_of_ten_tokens(ten_tokens):
    """Probabilities and back-offs are those of test_ngram, as log10."""
    header, unigrams, bigrams = ten_tokens.read_text().removesuffix("\n\\end\\\n").split("\n\n")
    assert header == "\\data\\\nngram 1=6\nngram 2=5"
    title, *lines = unigrams.splitlines()
    assert title == "\\1-grams:"
    assert parsed(lines) == {
        "<unk>": pytest.approx((0.1, 1)),
        "</s>": pytest.approx((0.1, 1)),
        "<s>": pytest.approx((0, 0.5)),
        "a": pytest.approx((0.4, 0.4)),
        "b": pytest.approx((0.2, 0.5)),
        "c": pytest.approx((0.2, 0.5)),
    }
    title, *lines = bigrams.splitlines()
    assert title == "\\2-grams:"
    assert parsed(lines) == {
        "<s> a": pytest.approx((0.7, 1)),
        "a b": pytest.approx((0.58, 1)),
        "a c": pytest.approx((0.18, 1)),
        "b a": pytest.approx((0.7, 1)),
        "c a": pytest.approx((0.7, 1)),
    }


def test_the_end_token_has_a_word_on_each_side(tmp_path):
    write_arpa(estimated([1, 2, 3, 1, 3, 1], 3), WORDS, tmp_path / "m.arpa")
    ngrams = {line.split("\t")[1] for line in (tmp_path / "m.arpa").read_text().splitlines() if "\t" in line}
    assert {gram for gram in ngrams if len(gram.split()) == 2} == {"<s> a", "<s> b", "a b", "b </s>"}
    assert {gram for gram in ngrams if len(gram.split()) == 3} == {"<s> a b", "<s> b </s>", "a b </s>"}


@pytest.mark.parametrize("order", [1, 2, 5])
def test_there_and_back(tmp_path, real_text, order):
    tokenizer = CharTokenizer.fit([real_text[:4000]], CharTokenizer.Config())
    documents = [tokenizer.encode(line).ids for line in real_text[:4000].splitlines()]
    ids = np.concatenate([[1], *(piece for ids in documents for piece in (ids, [1]))])
    model = estimate(list(itertools.islice(count_ngrams(ids, tokenizer.vocab_size, 1), order)), tokenizer.vocab_size)
    write_arpa(model, arpa_words(tokenizer), tmp_path / "m.arpa")
    again = read_arpa(tmp_path / "m.arpa", arpa_words(tokenizer))
    assert again.config == model.config
    assert torch.equal(again.keys_G, model.keys_G)
    torch.testing.assert_close(again.log_probs_G, model.log_probs_G, rtol=1e-6, atol=1e-6)
    # The share of the uniform distribution, of the root, is not in the file.
    torch.testing.assert_close(again.log_backoffs[1:], model.log_backoffs[1:], rtol=1e-6, atol=1e-6)


def test_a_file_as_other_programs_write_it(tmp_path):
    """Text before the header, single blanks, sections without order, back-offs of 0 and of the longest n-grams."""
    file = tmp_path / "m.arpa"
    file.write_text(
        "made by hand\n\n\\data\\\nngram 1=4\nngram 2=3\n\n"
        "\\1-grams:\n-0.5 b -0.2\n-0.25\t<unk>\t0\n-99 <s> -0.1\n-1.0 </s>\n\n"
        "\\2-grams:\n-0.3 b </s>\n-0.2 <s> b 0\n-0.4 b b\n\n\\end\\\n"
    )
    model = read_arpa(file, ["b", "<unk>", "</s>"])
    assert probs_after(model, [2]).log10().tolist() == pytest.approx([-0.2, -0.35, -1.1])
    assert probs_after(model, [2, 0]).log10().tolist() == pytest.approx([-0.4, -0.45, -0.3])
    assert probs_after(model, [1]).log10().tolist() == pytest.approx([-0.5, -0.25, -1.0])


def test_a_word_that_the_file_lacks_is_announced(ten_tokens, caplog):
    with caplog.at_level(logging.WARNING, "inkloom"):
        model = read_arpa(ten_tokens, [*WORDS, "d"])
    assert "lacks 1 of 6 words, such as 'd'" in caplog.text
    assert probs_after(model, [2]).tolist() == pytest.approx([0.04, 0.04, 0.16, 0.58, 0.18, 0])


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("\\data\\", "data", r"at the end: \\data\\ is expected"),
        ("ngram 1=6", "ngram 1=six", r"line 2 .*a number of n-grams"),
        ("ngram 1=6\nngram 2=5", "", "ngram 1= and a number"),
        ("ngram 2=5", "ngram 2=6", "2 words and perhaps a back-off"),
        ("ngram 2=5", "ngram 2=4", r"\\end\\ is expected"),
        ("\n\\end\\\n", "", r"at the end: \\end\\ is expected"),
        ("\\2-grams:", "\\3-grams:", r"\\2-grams: is expected"),
        ("\tc a", "\tc x", "line 18 .*lacks the word 'x'"),
        ("\tc a", "\tc", "2 words and perhaps a back-off"),
        ("\tc a", "\ta b", "n-gram 'a b' twice"),
        ("-0.69897", "none", "a number is expected"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(ten_tokens, old, new, complaint):
    text = ten_tokens.read_text()
    assert old in text
    ten_tokens.write_text(text.replace(old, new))
    with pytest.raises(InputError, match=complaint) as error:
        read_arpa(ten_tokens, WORDS)
    assert "\n" not in str(error.value)


def test_an_ngram_without_its_prefix_is_refused(tmp_path):
    write_arpa(estimated(TEN_TOKENS, 3), WORDS, tmp_path / "m.arpa")
    lines = (tmp_path / "m.arpa").read_text().replace("ngram 2=5", "ngram 2=4").splitlines(keepends=True)
    (tmp_path / "m.arpa").write_text("".join(line for line in lines if "\tc a\t" not in line))
    with pytest.raises(InputError, match="has the n-gram 'c a b', but not the one it prolongs"):
        read_arpa(tmp_path / "m.arpa", WORDS)


def test_words_are_distinct_and_without_white_space():
    tokenizer = CharTokenizer.fit(["\n a<\u00a0\ufffd"], CharTokenizer.Config())
    assert arpa_words(tokenizer) == ["<unk>", "</s>", "<U+000A>", "<U+0020>", "<", "a", "<U+00A0>", "<id:7>"]


def test_words_are_written_as_the_vocabulary_has_them():
    tokenizer = WordTokenizer.fit(["a @-@ b - C\n" * 2], WordTokenizer.Config(mode="whitespace"))
    assert arpa_words(tokenizer) == ["<unk>", "</s>", "<U+000A>", "-", "@-@", "C", "a", "b"]


def parsed(lines):
    """n-gram: (probability, back-off)."""
    rows = [line.split("\t") for line in lines]
    return {row[1]: (10 ** float(row[0]), 10 ** float(row[2]) if len(row) > 2 else 1) for row in rows}
