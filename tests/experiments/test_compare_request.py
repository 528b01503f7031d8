"""What is asked of a comparison: whose setting an override is, what a length is called."""

import pytest

from inkloom.errors import InputError
from inkloom.experiments.comparison.overrides import as_items, overrides_of, recipe_for
from inkloom.experiments.comparison.request import Length, Request, checked, numbers


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


def test_likelihood_on_the_same_generator_is_compared_with_every_gan_and_gans_go_first():
    seconds = (Length("seconds", 1),)
    assert checked(Request(("lstm", "GAN"), seconds)).models == ("gan", "gan_by_likelihood", "lstm")
    assert checked(Request(("gan-by-likelihood", "gan"), seconds)).models == ("gan", "gan_by_likelihood")
    names = ("gan from scratch", "gan by likelihood", "lstm")
    assert checked(Request(("lstm", "gan-from-scratch"), seconds)).contestants == names
    assert checked(Request(("rnn", "lstm"), seconds)).models == ("rnn", "lstm")


WAYS = ("gan", "gan_by_likelihood", "gan_from_scratch")


def settings(name, *overrides):
    return overrides_of(name, None, writers(*overrides))


def writers(*overrides, recipe=None):
    return Request((*WAYS, "lstm"), (Length("seconds", 1),), overrides=overrides, recipe=recipe)


def test_a_field_of_a_gan_is_that_of_every_way_to_train_it_save_what_makes_the_way():
    overrides = ("gan.width=8", "gan.pretraining=0.5", "gan.batch_size=4")
    found = {name: settings(name, *overrides) for name in WAYS}
    assert [of_one["model"]["width"] for of_one in found.values()] == ["8"] * 3
    assert [of_one["training"]["batch_size"] for of_one in found.values()] == ["4"] * 3
    assert [of_one["model"]["pretraining"] for of_one in found.values()] == ["0.5", 0.0, 0.0]
    assert found["gan_by_likelihood"]["model"]["objective"] == "likelihood"
    assert settings("lstm", *overrides)["model"] == {}


def test_a_way_keeps_the_learning_rate_that_suits_it_until_it_is_given_one():
    rates = [settings(name, "gan.learning_rate=0.5")["training"]["learning_rate"] for name in WAYS]
    assert rates == ["0.5", 2e-3, 3e-4]
    rates = [settings(name, "training.learning_rate=0.5")["training"]["learning_rate"] for name in WAYS]
    assert rates == ["0.5"] * 3
    own = ("gan-by-likelihood.learning_rate=0.1", "gan.learning_rate=0.5")
    assert [settings(name, *own)["training"]["learning_rate"] for name in WAYS] == ["0.5", "0.1", 3e-4]


def test_a_recipe_is_for_the_family_that_it_names_but_for_its_tokenizer_and_its_length():
    found = {name: recipe_for(name, writers(recipe="captions_gan")) for name in (*WAYS, "lstm")}
    assert found["gan"] == found["gan_from_scratch"] == found["gan_by_likelihood"]
    assert found["gan"]["model"]["width"] == 128
    assert found["gan"]["training"]["seq_len"] == 28
    assert "budget" not in found["gan"]["training"]
    assert found["lstm"] == {"tokenizer": {"name": "word"}}
    assert recipe_for("rnn", request()) == {}
    assert recipe_for("lstm", writers()) == {"tokenizer": {"name": "word"}}
    assert recipe_for("rnn", request(recipe="wikitext2_lstm_regularised"))["tokenizer"]["mode"] == "whitespace"


REFUSED = {
    "tokens": ({"lengths": (Length("tokens", 9),)}, "--tokens cannot be given beside gan"),
    "epochs": ({"lengths": (Length("seconds", 9), Length("epochs", 1))}, "--epochs cannot be given beside gan"),
    "windows": ({"seq_lens": (8,)}, "-o gan.seq_len=N"),
    "a size": ({"parameters": 1000}, "--parameters cannot be given beside gan"),
    "no critic": ({"models": ("lstm", "gan_by_likelihood")}, "names no GAN with a critic"),
    "two vocabularies": ({"tokenizers": ("word", "bpe")}, "Name one, such as word"),
    "a recipe for another family": ({"recipe": "wikitext2_lstm"}, "is for lstm, which --models does not name"),
    "a recipe that chooses": ({"recipe": "auto"}, "--recipe auto chooses what to train"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_hold_for_writers_of_sentences_is_refused(case):
    options, message = REFUSED[case]
    with pytest.raises(InputError, match=message):
        checked(Request(**{"models": ("gan",), "lengths": (Length("seconds", 1),), **options}))


@pytest.mark.parametrize("override", ["gan_by_likelihood.width=8", "gan-by-likelihood.seq_len=8"])
def test_no_way_has_another_generator(override):
    with pytest.raises(InputError, match="is no field of gan_by_likelihood"):
        settings("gan_by_likelihood", override)


@pytest.mark.parametrize("override", ["gan.objective=likelihood", "model.objective=likelihood"])
def test_a_gan_has_a_critic(override):
    with pytest.raises(InputError, match="leaves gan without a critic"):
        settings("gan", override)
    assert settings("gan_by_likelihood", override)["model"]["objective"] == "likelihood"
