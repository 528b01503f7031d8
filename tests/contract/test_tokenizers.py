"""What every registered tokenizer keeps."""

import itertools
import json
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkloom.errors import InputError
from inkloom.tokenizers import TOKENIZERS, read_tokenizer

TEXTS = [
    "To be, or not to be, that is the question:\n",
    "Whether 'tis nobler in the mind to suffer\n",
    "naïve 😀 façade\n",
]
FOREIGN = "To be «ζ» 語 🦜\n"

CUT = re.compile(r"(?<=\S\n)(?=\S)|(?<=\S)(?= \S)")
"""Where a long text may be cut: behind the end of a line or before a space, alone between two other characters."""

WRITTEN = st.text(st.sampled_from("aT',.-\"1é語🦜 \n\t"))
"""Texts with all that tokenizers treat in ways of their own."""


def fitted(tokenizer_class):
    """What stands twice in train is in every vocabulary."""
    return tokenizer_class.fit(TEXTS * 2, tokenizer_class.Config())


FITTED = {name: fitted(TOKENIZERS.load(name)) for name in TOKENIZERS}


@pytest.fixture(params=list(TOKENIZERS))
def tokenizer_class(request):
    return TOKENIZERS.load(request.param)


@pytest.fixture
def tokenizer(tokenizer_class):
    return FITTED[tokenizer_class.name]


def test_carries_its_registered_name(tokenizer_class):
    assert TOKENIZERS.load(tokenizer_class.name) is tokenizer_class


def test_usual_text_of_train_comes_back(tokenizer):
    for text in TEXTS:
        encoding = tokenizer.encode(text)
        assert tokenizer.decode(encoding.ids) == text
        assert encoding.unknown_tokens == 0


@given(WRITTEN)
def test_what_does_not_come_back_is_charged_for(text):
    for tokenizer in FITTED.values():
        encoding = tokenizer.encode(text)
        assert encoding.charge_nats > 0 or tokenizer.decode(encoding.ids) == text
        assert 0 <= encoding.charge_nats < np.inf


def test_ids_lie_in_the_vocabulary_in_its_type(tokenizer):
    ids = tokenizer.encode("".join(TEXTS) + FOREIGN).ids
    assert ids.dtype == tokenizer.dtype
    assert ids.ndim == 1
    assert ids.max() < tokenizer.vocab_size


def test_empty_text_has_no_ids(tokenizer):
    encoding = tokenizer.encode("")
    assert (len(encoding.ids), encoding.ids.dtype, encoding.unknown_tokens) == (0, tokenizer.dtype, 0)
    assert tokenizer.encode_prompt("") == []


def test_the_end_token_is_in_the_vocabulary_reads_as_nothing_and_is_never_encoded(tokenizer):
    assert 0 <= tokenizer.end_id < tokenizer.vocab_size
    assert tokenizer.decode([tokenizer.end_id]) == ""
    assert tokenizer.end_id not in tokenizer.encode("".join(TEXTS) + FOREIGN + "<end> <end>").ids


def test_lost_text_is_counted_and_charged(tokenizer):
    encoding = tokenizer.encode(FOREIGN)
    unknown = 0 if tokenizer.unknown_id is None else np.count_nonzero(encoding.ids == tokenizer.unknown_id)
    assert encoding.unknown_tokens == unknown
    if unknown == 0:
        assert tokenizer.decode(encoding.ids) == FOREIGN
    else:
        assert encoding.charge_nats > tokenizer.encode(TEXTS[0]).charge_nats


@given(WRITTEN)
def test_the_pieces_of_a_text_have_the_ids_of_the_whole(text):
    bounds = [0, *(found.start() for found in CUT.finditer(text)), len(text)]
    pieces = [text[start:stop] for start, stop in itertools.pairwise(bounds)]
    for tokenizer in FITTED.values():
        encodings = [tokenizer.encode(piece) for piece in pieces]
        whole = tokenizer.encode(text)
        assert np.concatenate([encoding.ids for encoding in encodings]).tolist() == whole.ids.tolist()
        assert sum(encoding.unknown_tokens for encoding in encodings) == whole.unknown_tokens


@given(st.lists(st.tuples(WRITTEN, st.booleans())))
def test_texts_encoded_together_are_those_encoded_one_by_one(pairs):
    texts, ends = [text for text, _ in pairs], [ended for _, ended in pairs]
    for tokenizer in FITTED.values():
        together = tokenizer.encode_all(texts, ends)
        alone = [tokenizer.encode(text) for text in texts]
        ids = [[*one.ids.tolist(), *[tokenizer.end_id] * ended] for one, ended in zip(alone, ends, strict=True)]
        assert together.ids.tolist() == list(itertools.chain.from_iterable(ids))
        assert together.ids.dtype == tokenizer.dtype
        assert together.unknown_tokens == sum(one.unknown_tokens for one in alone)
        assert together.charge_nats == pytest.approx(sum(one.charge_nats for one in alone))


def test_a_tokenizer_fitted_on_pieces_is_that_of_the_whole(tokenizer_class, tokenizer):
    whole = "".join(TEXTS * 2)
    once = tokenizer_class.fit([whole], tokenizer_class.Config())
    assert once.encode(whole).ids.tolist() == tokenizer.encode(whole).ids.tolist()


def test_a_prompt_is_encoded_like_text_or_refused_in_one_line(tokenizer):
    assert tokenizer.encode_prompt(TEXTS[0]) == tokenizer.encode(TEXTS[0]).ids.tolist()
    if tokenizer.encode(FOREIGN).unknown_tokens:
        with pytest.raises(InputError) as raised:
            tokenizer.encode_prompt(FOREIGN)
        assert len(str(raised.value).splitlines()) == 1


def test_streamed_pieces_are_final_and_make_the_whole(tokenizer):
    text = "".join(TEXTS)
    decoder = tokenizer.decoder()
    so_far = ""
    for token in tokenizer.encode(text).ids.tolist():
        so_far += decoder.push(token)
        assert text.startswith(so_far)
    assert so_far + decoder.flush() == text


@pytest.mark.parametrize(("prompt", "rest"), [("To be,", " or not"), ("To be", ", or"), ("To be,\n", "or not")])
def test_what_follows_a_prompt_reads_as_if_both_were_one_text(tokenizer, prompt, rest):
    prompt_ids = tokenizer.encode_prompt(prompt)
    decoder = tokenizer.decoder(prompt_ids)
    ids = tokenizer.encode_prompt(prompt + rest)[len(prompt_ids) :]
    written = "".join(decoder.push(token) for token in ids) + decoder.flush()
    assert written.lower() == rest  # a tokenizer of words may have learned how lines begin


@given(WRITTEN)
def test_every_character_belongs_to_a_token(text):
    for tokenizer in FITTED.values():
        lengths, ids = tokenizer.lengths(text), tokenizer.encode(text).ids
        assert len(lengths) == len(ids)
        assert lengths.sum() == (len(text) if len(ids) else 0)


def test_what_train_has_is_known_and_nothing_else(tokenizer):
    known = tokenizer.known("".join(TEXTS) + FOREIGN)
    assert known == tokenizer.known("".join(TEXTS))
    assert bool(known) == (tokenizer.unknown_id is not None)
    for piece in known:
        assert tokenizer.encode(piece).unknown_tokens == 0


def test_every_token_has_a_text(tokenizer):
    texts = [tokenizer.text_of(token) for token in range(tokenizer.vocab_size)]
    assert texts[tokenizer.end_id] == ""
    assert sum(text == "" for text in texts) == 1


def test_json_describes_it_whole(tokenizer_class, tokenizer):
    written = json.dumps(tokenizer.to_json(), ensure_ascii=False).encode("utf-8")
    again = read_tokenizer(json.loads(written))
    assert type(again) is tokenizer_class
    assert_the_same(again, tokenizer)


def test_other_processes_get_the_same(tokenizer):
    assert_the_same(pickle.loads(pickle.dumps(tokenizer)), tokenizer)  # noqa: S301  what was pickled here


def assert_the_same(again, tokenizer):
    assert again.to_json() == tokenizer.to_json()
    assert again.config == tokenizer.config
    assert (again.vocab_size, again.end_id, again.unknown_id) == (
        tokenizer.vocab_size,
        tokenizer.end_id,
        tokenizer.unknown_id,
    )
    for text in [*TEXTS, FOREIGN]:
        before, after = tokenizer.encode(text), again.encode(text)
        assert after.ids.tolist() == before.ids.tolist()
        assert after.charge_nats == before.charge_nats


@pytest.mark.parametrize("data", [{}, {"model": {"inkloom": {}}}, {"model": None}])
def test_json_without_a_vocabulary_is_refused(tokenizer_class, data):
    with pytest.raises(InputError):
        tokenizer_class.from_json(data)
    with pytest.raises(InputError):
        read_tokenizer(data)
