"""Translation scores: known answers of sacrebleu, and the likelihood of targets by hand.

Shapes: T tokens of a target, V vocabulary.
"""

import pytest
import torch

from inkloom.corpus.base import Part
from inkloom.data.pairs import encode_pairs
from inkloom.errors import InputError
from inkloom.evaluation.translation import repeats, score_pairs, translation_scores
from inkloom.models.seq2seq import Seq2Seq
from inkloom.tokenizers.char import CharTokenizer

LETTERS = CharTokenizer.fit(["abcdefgh"], CharTokenizer.Config())


def test_the_same_texts_score_100():
    texts = ["A man in a blue shirt is standing .", "Two dogs run over the grass ."]
    scores = translation_scores(texts, texts)
    assert scores.bleu.score == pytest.approx(100)
    assert scores.chrf.score == pytest.approx(100)
    assert (scores.exact, scores.sentences) == (1.0, 2)


def test_capital_letters_count_in_half_of_the_scores():
    scores = translation_scores(["a man sits on a chair ."], ["A Man sits on a chair ."])
    assert scores.bleu.score < scores.bleu_lowercased.score == pytest.approx(100)
    assert scores.chrf.score < scores.chrf_lowercased.score == pytest.approx(100)
    assert (scores.exact, scores.exact_lowercased) == (0.0, 1.0)


def test_bleu_by_hand():
    """Matches of 1- to 4-grams: 5 of 6, 3 of 5, 2 of 4, 1 of 3; no brevity penalty."""
    scores = translation_scores(["the cat sat on the mat"], ["the cat sat on a mat"])
    assert scores.bleu.score == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)


def test_signatures_say_how_it_was_counted():
    scores = translation_scores(["a"], ["a"])
    assert "case:mixed" in scores.bleu.signature
    assert "case:lc" in scores.bleu_lowercased.signature
    assert "tok:13a" in scores.bleu.signature
    assert "version:" in scores.chrf.signature
    assert scores.as_json()["bleu"]["signature"] == scores.bleu.signature


def test_pairs_of_which_train_has_a_side_are_counted_and_left_out():
    train = [("eins", "one"), ("zwei", "two"), ("drei", "three")]
    pairs = [("eins", "two"), ("zwei", "a pair of things"), ("vier", "three"), ("fünf", "a hand has five fingers")]
    translations = ["wrong", "wrong", "wrong", "a hand has five fingers"]
    found = repeats(translations, pairs, train)
    assert (found.sources, found.targets, found.pairs) == (2, 2, 1)
    assert found.new is not None
    assert (found.new.sentences, found.new.bleu.score) == (1, pytest.approx(100))
    assert repeats(["x"], pairs[:1], train).new is None


def test_nothing_cannot_be_scored():
    with pytest.raises(InputError, match="no translation"):
        translation_scores([], [])


def pairs(*texts):
    sources, targets = zip(*texts, strict=True)
    return encode_pairs(LETTERS, LETTERS, Part("val", targets, 1, documents=True, conditions=sources))


def translator(**fields):
    torch.manual_seed(0)
    return Seq2Seq(Seq2Seq.Config(width=8, heads=2, encoder_layers=1, decoder_layers=1, **fields), LETTERS.vocab_size)


@torch.no_grad()
def test_every_token_of_a_target_is_scored_once_given_its_source():
    model = translator().train()
    texts = [("ab", "cd"), ("e", "fgh"), ("abcde", "a")]
    expected, tokens = 0.0, 0
    model.eval()
    for source, target in texts:
        source_ids = [*LETTERS.encode(source).ids.tolist(), LETTERS.end_id]
        ids = [LETTERS.end_id, *LETTERS.encode(target).ids.tolist(), LETTERS.end_id]
        logits_1TV, _ = model(torch.tensor([ids[:-1]]), model.initial_state(1, [source_ids]))
        log_probs_TV = logits_1TV[0].log_softmax(dim=-1)
        expected -= float(log_probs_TV[torch.arange(len(ids) - 1), ids[1:]].sum())
        tokens += len(ids) - 1
    model.train()
    scores = score_pairs(model, pairs(*texts))
    assert scores.nats == pytest.approx(expected, rel=1e-5)
    assert (scores.tokens, scores.chars, scores.split) == (tokens, tokens, "val")
    assert model.training


def test_pairs_beyond_the_model_are_left_out():
    model = translator(context_length=4)
    kept, all_of_them = pairs(("a", "b")), pairs(("a", "b"), ("abcd", "b"))
    assert score_pairs(model, all_of_them).nats == pytest.approx(score_pairs(model, kept).nats, rel=1e-5)
    with pytest.raises(InputError, match="no pair that the model can read"):
        score_pairs(model, pairs(("abcd", "b")))
