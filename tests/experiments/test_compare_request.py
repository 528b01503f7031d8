"""What is asked of a comparison: whose setting an override is, what a length is called."""

import pytest

from inkloom.errors import InputError
from inkloom.experiments.comparison.request import Length, Request, as_items, checked, numbers, overrides_of


def request(*overrides, models=("rnn", "transformer"), **options):
    return Request(models=models, lengths=(Length("epochs", 1),), overrides=overrides, **options)


def items(model, *overrides, tokenizer=None, **options):
    return as_items(overrides_of(model, tokenizer, request(*overrides, **options)))


def test_a_field_of_model_goes_to_the_families_that_have_it():
    assert items("rnn", "model.hidden_size=5") == ["model.hidden_size=5"]
    assert items("transformer", "model.hidden_size=5") == []
    assert items("transformer", "model.dropout=0.5") == items("rnn", "model.dropout=0.5") == ["model.dropout=0.5"]


def test_a_field_under_a_models_name_is_its_own_whether_of_its_config_or_its_training():
    overrides = ("rnn.layers=2", "rnn.learning-rate=0.1", "transformer.learning_rate=0.2", "training.clip=none")
    assert items("rnn", *overrides) == ["model.layers=2", "training.clip=none", "training.learning_rate=0.1"]
    assert items("transformer", *overrides) == ["training.clip=none", "training.learning_rate=0.2"]


def test_tokenizer_and_split_are_everybodys():
    overrides = ("split.seed=3", "tokenizer.name=char")
    for model in ("rnn", "transformer"):
        assert set(items(model, *overrides)) == set(overrides)


def test_a_field_of_tokenizer_goes_to_the_named_tokenizers_that_have_it():
    named = {"tokenizers": ("char", "bpe", "word")}
    overrides = ("tokenizer.vocab_size=300", "tokenizer.min_count=3", "word.mode=whitespace", "split.seed=1")
    assert items("rnn", *overrides, tokenizer="char", **named) == ["split.seed=1"]
    assert items("rnn", *overrides, tokenizer="bpe", **named) == ["tokenizer.vocab_size=300", "split.seed=1"]
    assert set(items("rnn", *overrides, tokenizer="word", **named)) == {
        *overrides[:2],
        "tokenizer.mode=whitespace",
        "split.seed=1",
    }


def test_contestants_are_models_with_their_tokenizer_where_there_are_several():
    assert request().contestants == ("rnn", "transformer")
    assert request(tokenizers=("word",)).contestants == ("rnn", "transformer")
    several = request(models=("rnn", "gru"), tokenizers=("char", "bpe"))
    assert several.contestants == ("rnn char", "rnn bpe", "gru char", "gru bpe")


def test_of_names_case_and_dashes_do_not_matter():
    assert checked(request(models=(" RNN", "Transformer"))).models == ("rnn", "transformer")
    assert checked(request(tokenizers=(" BPE", "Word"))).tokenizers == ("bpe", "word")


def test_a_size_may_be_given_where_it_is_not_chosen():
    assert items("rnn", "rnn.embedding_size=5", parameters=100) == ["model.embedding_size=5"]
    with pytest.raises(InputError, match="beside --parameters"):
        items("transformer", "transformer.heads=2", parameters=100)


@pytest.mark.parametrize(
    ("length", "said", "short"),
    [
        (Length("seconds", 60.0), "60 seconds", "60s"),
        (Length("seconds", 1.5), "1.5 seconds", "1.5s"),
        (Length("tokens", 1_000_000), "1,000,000 tokens", "1000000tokens"),
        (Length("epochs", 1.0), "1 epoch", "1epochs"),
        (Length("epochs", 0.03), "0.03 epochs", "0.03epochs"),
    ],
)
def test_lengths_have_names(length, said, short):
    assert (str(length), length.short) == (said, short)


def test_numbers():
    assert numbers("8, 16,32") == (8, 16, 32)
    with pytest.raises(InputError, match="such as 8,16,32"):
        numbers("8;16")
