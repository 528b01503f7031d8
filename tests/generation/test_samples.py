import itertools

import pytest
import torch

from inkloom.errors import InputError
from inkloom.generation import GenerationConfig, generate, stream
from inkloom.tokenizers.char import CharTokenizer
from inkloom.tokenizers.word import WordTokenizer

from .fakes import Markov, Pieces, Script, TinyRNN

TOKENIZER = CharTokenizer("\n abcdefghijklmnopqrstuvwxyz")


@pytest.fixture(scope="module")
def model():
    return TinyRNN(TOKENIZER.vocab_size)


def config(**fields):
    return GenerationConfig(**{"seed": 3, "max_tokens": 30, **fields})


def test_a_sample_is_the_same_alone_as_in_a_batch_of_eight(model):
    (alone,) = generate(model, TOKENIZER, "the ", config())
    batch = generate(model, TOKENIZER, "the ", config(num_samples=8))
    assert batch[0].text == alone.text
    assert batch[0].token_ids == alone.token_ids
    assert batch[0].logprob == pytest.approx(alone.logprob, rel=1e-5)
    assert len({sample.token_ids for sample in batch}) == 8


def test_a_prompt_gives_the_same_samples_beside_other_prompts(model):
    prompts = ["the ", "", "a much longer prompt than those\n"]
    together = generate(model, TOKENIZER, prompts, config(num_samples=2))
    alone = [sample for prompt in prompts for sample in generate(model, TOKENIZER, prompt, config(num_samples=2))]
    assert [sample.token_ids for sample in together] == [sample.token_ids for sample in alone]


def test_the_same_seed_gives_the_same_text_twice(model):
    assert generate(model, TOKENIZER, "a", config()) == generate(model, TOKENIZER, "a", config())
    assert generate(model, TOKENIZER, "a", config(seed=4)) != generate(model, TOKENIZER, "a", config())


def test_without_a_seed_each_time_is_another(model):
    texts = {generate(model, TOKENIZER, "a", config(seed=None))[0].text for _ in range(4)}
    assert len(texts) > 1


def test_a_sample_tells_what_was_drawn():
    pieces = Pieces("to ", "be", "!")
    (sample,) = generate(Script([1, 2, 3, 0], pieces.vocab_size), pieces, "to ", GenerationConfig())
    assert (sample.text, sample.token_ids, sample.tokens, sample.finish_reason) == ("be!", (2, 3, 0), 3, "stop")
    assert sample.logprob == pytest.approx(0.0, abs=1e-6)


def test_the_streamed_pieces_are_the_sample(model):
    samples = generate(model, TOKENIZER, "so ", config(num_samples=3, stop="e"))
    for number, sample in enumerate(samples):
        pieces = list(stream(model, TOKENIZER, "so ", config(stop="e"), sample=number))
        assert "".join(pieces) == sample.text
        assert all(pieces)


def test_a_stream_writes_as_it_goes():
    model = Script([1, 2, 3], 4)
    pieces = stream(model, Pieces("a", "b", "c"), "", GenerationConfig(max_tokens=100))
    assert next(pieces) == "a"
    assert len(model.rows_stepped) == 1


@pytest.mark.parametrize("function", [generate, stream])
def test_an_unknown_character_in_the_prompt_is_refused_before_work_starts(model, function):
    with pytest.raises(InputError, match=r"'É'.*Nearest known: 'e'"):
        function(model, TOKENIZER, "É", config())


def test_a_space_that_ends_a_prompt_of_words_is_not_written_again():
    words = WordTokenizer.fit(["the king is dead, the king is dead\n"], WordTokenizer.Config())
    model = Script([*words.encode_prompt("the king is dead"), words.end_id], words.vocab_size)
    for prompt, text in (("the king", " is dead"), ("the king ", "is dead")):
        assert generate(model, words, prompt, GenerationConfig())[0].text == text
        assert "".join(stream(model, words, prompt, GenerationConfig())) == text


def test_a_beam_gives_the_likeliest_texts_with_their_log_probabilities():
    tokenizer = CharTokenizer.fit(["abcd\n"], CharTokenizer.Config())
    V = tokenizer.vocab_size
    model = Markov(torch.randn(V, V, generator=torch.Generator().manual_seed(3)) * 2)
    found = generate(model, tokenizer, "ab", GenerationConfig(beam=50, num_samples=4, max_tokens=6))
    assert len({sample.text for sample in found}) == 4
    log_probs_VV = model.logits_VV.log_softmax(dim=-1)
    for sample in found:
        ids = [*tokenizer.encode("b").ids.tolist(), *sample.token_ids]
        expected = sum(float(log_probs_VV[last, token]) for last, token in itertools.pairwise(ids))
        assert sample.logprob == pytest.approx(expected, abs=1e-4)
        assert sample.finish_reason == ("stop" if sample.token_ids[-1] == tokenizer.end_id else "length")
    (greedy,) = generate(model, tokenizer, "ab", GenerationConfig(greedy=True, max_tokens=6))
    (one,) = generate(model, tokenizer, "ab", GenerationConfig(beam=1, temperature=0, max_tokens=6))
    assert one.text == greedy.text


@pytest.mark.parametrize("fields", [{"num_samples": 3}, {"temperature": 0.5}, {"stop": "x"}, {"max_words": 3}])
def test_a_beam_takes_nothing_that_draws(fields):
    with pytest.raises(ValueError, match="beam"):
        GenerationConfig(beam=2, **fields)
