"""Texts as tokens of any length, and the predictions at each of them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inkloom.errors import InkloomError, InputError
from inkloom.explain import tokens as module
from inkloom.explain.tokens import END, UNKNOWN, after_end, check_number, label, logits_before, tokens_of
from tests.explain.models import MODELS, TEXT, TOKENIZER, log_probs, ngram, recurrent
from tests.generation.fakes import Bytes
from tests.tokenizers.fakes import PairTokenizer


@given(st.text(alphabet=st.sampled_from(TOKENIZER.characters), min_size=1))
def test_what_the_tokens_add_is_the_text(text):
    tokens = tokens_of(TOKENIZER, text)
    assert "".join(tokens.texts) == text
    assert len(tokens) == len(tokens.texts) == len(tokens.ids)


def test_tokens_may_be_longer_than_a_character():
    assert tokens_of(PairTokenizer(), "longer").texts == ("lo", "ng", "er")


@given(st.text(min_size=1))
def test_tokens_may_be_parts_of_a_character(text):
    tokens = tokens_of(Bytes(), text.encode("utf-8", "replace").decode())
    assert "".join(tokens.texts) == text.encode("utf-8", "replace").decode()


def test_an_unfinished_character_is_shown_at_the_end():
    assert tokens_of(Bytes(), "é").texts == ("", "é")
    assert tokens_of(Bytes(), [1 + "é".encode()[0]]).texts == ("\ufffd",)


def test_tokens_without_a_text_have_a_name():
    ids = [TOKENIZER.unknown_id, *TOKENIZER.encode_prompt("a"), TOKENIZER.end_id]
    assert tokens_of(TOKENIZER, ids).texts == (UNKNOWN, "a", END)
    assert label(TOKENIZER, TOKENIZER.end_id) == END
    assert after_end(TOKENIZER, tokens_of(TOKENIZER, "at")).texts == (END, "a", "t")


def test_an_empty_text_and_an_unknown_character_are_refused():
    with pytest.raises(InputError, match="no text to explain"):
        tokens_of(TOKENIZER, "")
    with pytest.raises(InputError, match="U\\+00E9"):
        tokens_of(TOKENIZER, "é")


@pytest.mark.parametrize("family", MODELS)
@pytest.mark.parametrize("chunk", [3, 256])
def test_predictions_come_in_pieces_as_they_come_at_once(family, chunk, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    model = MODELS[family]()
    pieces = list(logits_before(model, TOKENIZER.end_id, tokens_of(TOKENIZER, TEXT).ids))
    assert [places.start for places, _ in pieces] == list(range(0, len(TEXT), chunk))
    found_TV = torch.cat([logits_NV.log_softmax(-1) for _, logits_NV in pieces])
    torch.testing.assert_close(found_TV, log_probs(model, TEXT)[:-1], rtol=1e-4, atol=1e-5)


def test_a_damaged_model_is_named():
    model = recurrent()
    with torch.no_grad():
        model.head.weight[0, 0] = np.nan
    with pytest.raises(InkloomError, match="not finite"):
        list(logits_before(model, TOKENIZER.end_id, tokens_of(TOKENIZER, "a").ids))


def test_numbers_out_of_range_are_told_counting_from_one():
    check_number("layer", 1, 2)
    check_number("layer", None, 2)
    for index in (2, -1):
        with pytest.raises(InputError, match=rf"There is no layer {index + 1}. Give one of 1 to 2."):
            check_number("layer", index, 2)


def test_a_ngram_model_needs_no_text_to_predict():
    ids = np.append(tokens_of(TOKENIZER, "", least=0).ids, TOKENIZER.end_id)
    ((_, logits_1V),) = logits_before(ngram(), TOKENIZER.end_id, ids)
    torch.testing.assert_close(logits_1V[0].exp().sum(), torch.tensor(1.0))
