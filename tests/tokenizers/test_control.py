import json
import pickle

import pytest

from inkloom.errors import InputError
from inkloom.tokenizers import TOKENIZERS, ControlledTokenizer, read_tokenizer

TEXT = "To be or not to be\n"
VALUES = ("Czech", "Irish")


@pytest.fixture(params=list(TOKENIZERS))
def inner(request):
    tokenizer_class = TOKENIZERS.load(request.param)
    return tokenizer_class.fit([TEXT * 2], tokenizer_class.Config())


@pytest.fixture
def tokenizer(inner):
    return ControlledTokenizer(inner, "label", VALUES)


def test_the_ids_of_values_stand_behind_those_of_text(tokenizer, inner):
    assert tokenizer.vocab_size == inner.vocab_size + 2
    assert [tokenizer.control_id(value) for value in VALUES] == [inner.vocab_size, inner.vocab_size + 1]
    assert tokenizer.text_vocab_size == inner.vocab_size


def test_text_is_encoded_and_decoded_as_without(tokenizer, inner):
    ours, theirs = tokenizer.encode(TEXT), inner.encode(TEXT)
    assert ours.ids.tolist() == theirs.ids.tolist()
    assert (ours.unknown_tokens, ours.charge_nats) == (theirs.unknown_tokens, theirs.charge_nats)
    assert tokenizer.decode(ours.ids) == inner.decode(theirs.ids)
    assert tokenizer.known(TEXT) == inner.known(TEXT)


def test_a_control_reads_as_nothing_and_has_a_name(tokenizer):
    ids = tokenizer.encode(TEXT).ids.tolist()
    assert tokenizer.decode([tokenizer.control_id("Irish"), *ids]) == tokenizer.decode(ids)
    assert tokenizer.text_of(tokenizer.control_id("Irish")) == "⟨Irish⟩"


def test_prompts_under_a_control_begin_with_it(tokenizer):
    plain = tokenizer.encode_prompt("be")
    assert tokenizer.under("Irish").encode_prompt("be") == [tokenizer.control_id("Irish"), *plain]
    assert tokenizer.under("irish").encode_prompt("") == [tokenizer.control_id("Irish")]


def test_an_unknown_value_lists_the_known_ones(tokenizer):
    with pytest.raises(InputError, match=r"^'Irisch' is no label.* Did you mean Irish\? Known: Czech, Irish\.$"):
        tokenizer.under("Irisch")


def test_it_comes_back_from_json_and_in_other_processes(tokenizer):
    written = json.loads(json.dumps(tokenizer.to_json()))
    sent = pickle.loads(pickle.dumps(tokenizer))  # noqa: S301  as to a process that was started here
    for copy in (read_tokenizer(written), sent):
        assert copy.to_json() == tokenizer.to_json()
        assert copy.encode_prompt("be") == tokenizer.encode_prompt("be")


@pytest.mark.parametrize("damage", [{"values": ["a", "a"]}, {"values": None}, {"tokenizer": 3}, {"values": [1]}])
def test_damaged_json_is_refused(tokenizer, damage):
    with pytest.raises(InputError, match=r"^The vocabulary of controls is damaged\."):
        read_tokenizer({**tokenizer.to_json(), **damage})


def test_it_is_made_around_a_fitted_tokenizer():
    with pytest.raises(NotImplementedError):
        ControlledTokenizer.fit([TEXT], TOKENIZERS.load("char").Config())
