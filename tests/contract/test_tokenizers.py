"""What every registered tokenizer keeps."""

import json

import numpy as np
import pytest

from inkloom.errors import InputError
from inkloom.tokenizers import TOKENIZERS

TEXTS = [
    "To be, or not to be, that is the question:\n",
    "Whether 'tis nobler in the mind to suffer\n",
    "naïve 😀 façade\n",
]
FOREIGN = "To be «ζ» 語 🦜\n"


@pytest.fixture(params=list(TOKENIZERS))
def tokenizer_class(request):
    return TOKENIZERS.load(request.param)


@pytest.fixture
def tokenizer(tokenizer_class):
    return tokenizer_class.fit(TEXTS, tokenizer_class.Config())


def test_carries_its_registered_name(tokenizer_class):
    assert TOKENIZERS.load(tokenizer_class.name) is tokenizer_class


def test_train_text_comes_back(tokenizer):
    for text in TEXTS:
        encoding = tokenizer.encode(text)
        assert tokenizer.decode(encoding.ids) == text
        assert (encoding.unknown_tokens, encoding.charge_nats) == (0, 0)


def test_ids_lie_in_the_vocabulary_in_its_type(tokenizer):
    ids = tokenizer.encode("".join(TEXTS) + FOREIGN).ids
    assert ids.dtype == tokenizer.dtype
    assert ids.ndim == 1
    assert ids.max() < tokenizer.vocab_size


def test_empty_text_has_no_ids(tokenizer):
    encoding = tokenizer.encode("")
    assert (len(encoding.ids), encoding.ids.dtype) == (0, tokenizer.dtype)
    assert (encoding.unknown_tokens, encoding.charge_nats) == (0, 0)
    assert tokenizer.encode_prompt("") == []


def test_the_end_token_is_in_the_vocabulary_reads_as_nothing_and_is_never_encoded(tokenizer):
    assert 0 <= tokenizer.end_id < tokenizer.vocab_size
    assert tokenizer.decode([tokenizer.end_id]) == ""
    assert tokenizer.end_id not in tokenizer.encode("".join(TEXTS) + FOREIGN + "<end>").ids


def test_lost_text_is_counted_and_charged(tokenizer):
    encoding = tokenizer.encode(FOREIGN)
    unknown = 0 if tokenizer.unknown_id is None else np.count_nonzero(encoding.ids == tokenizer.unknown_id)
    assert encoding.unknown_tokens == unknown
    assert (encoding.charge_nats > 0) == (unknown > 0)
    if unknown == 0:
        assert tokenizer.decode(encoding.ids) == FOREIGN


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


def test_json_describes_it_whole(tokenizer_class, tokenizer):
    written = json.dumps(tokenizer.to_json(), ensure_ascii=False).encode("utf-8")
    again = tokenizer_class.from_json(json.loads(written))
    assert again.to_json() == tokenizer.to_json()
    assert (again.vocab_size, again.end_id, again.unknown_id) == (
        tokenizer.vocab_size,
        tokenizer.end_id,
        tokenizer.unknown_id,
    )
    for text in [*TEXTS, FOREIGN]:
        before, after = tokenizer.encode(text), again.encode(text)
        assert after.ids.tolist() == before.ids.tolist()
        assert after.charge_nats == before.charge_nats


def test_json_without_a_vocabulary_is_refused(tokenizer_class):
    with pytest.raises(InputError):
        tokenizer_class.from_json({})
