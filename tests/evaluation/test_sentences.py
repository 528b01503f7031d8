"""Fluency, diversity and the bound of sentences, by known answers."""

import math

import pytest
import torch

from inkloom.evaluation.diversity import distinct, self_bleu
from inkloom.evaluation.fluency import fit_ngrams, nats_per_token
from inkloom.evaluation.sentences import RealSentences, bound
from inkloom.models.gan import GAN

VOCABULARY, END = 6, 0
REAL = [[1, 2, 3], [1, 2, 4], [1, 5]] * 30


def test_real_sentences_cost_little_under_their_own_ngrams_and_others_more():
    model = fit_ngrams(REAL, VOCABULARY, END)
    own = nats_per_token(model, REAL, END)
    assert own < 0.6 < nats_per_token(model, [[3, 2, 1], [5, 5]], END)


def test_unigrams_cost_the_entropy_of_their_own_text():
    """Six tokens in nine of [1, 2, END] and so on, but for the discounts of rare words, of which there are none."""
    model = fit_ngrams(REAL, VOCABULARY, END, order=1)
    tokens = [token for sentence in REAL for token in [*sentence, END]]
    entropy = -sum(
        share * math.log(share) for share in (tokens.count(word) / len(tokens) for word in range(VOCABULARY))
    )
    assert nats_per_token(model, REAL, END) == pytest.approx(entropy, abs=0.02)


def test_no_sentences_cost_nothing_that_is_known():
    assert math.isnan(nats_per_token(fit_ngrams(REAL, VOCABULARY, END), [], END))


def test_distinct_counts_ngrams_of_all_sentences_together():
    assert distinct([[1, 2, 3], [1, 2]], order=2) == pytest.approx(2 / 3)
    assert distinct([[1, 1], [1, 1]], order=1) == pytest.approx(1 / 4)
    assert math.isnan(distinct([[1]], order=2))


def test_self_bleu_leaves_the_sentence_itself_out():
    assert self_bleu([[1, 2, 3, 4]] * 3, longest=4) == pytest.approx(1)
    assert self_bleu([[1, 2], [3, 4]], longest=4) == 0
    assert math.isnan(self_bleu([[1, 2]], longest=4))


def test_one_good_sentence_over_and_over_is_fluent_and_covers_nothing():
    real = RealSentences(REAL, VOCABULARY, END)
    collapsed, honest = real.measure([[1, 2, 3]] * 60), real.measure(REAL[:60])
    assert collapsed.sample_nats < honest.sample_nats + 0.1
    assert collapsed.real_nats > honest.real_nats + 0.2
    assert collapsed.self_bleu[4] == pytest.approx(1)
    assert collapsed.distinct[2] < honest.distinct[2]
    assert collapsed.mean_tokens == 3


def test_random_words_are_diverse_and_not_fluent():
    real = RealSentences(REAL, VOCABULARY, END)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(1, VOCABULARY, (60, 3), generator=generator).tolist()
    measures = real.measure(noise)
    assert measures.sample_nats > real.measure(REAL[:60]).sample_nats + 1
    assert measures.bleu[5] < 0.5
    assert measures.distinct[3] > 0.3


def test_measures_are_plain_json():
    measures = RealSentences(REAL, VOCABULARY, END).measure([[1], [1]]).as_json()
    assert measures["distinct"] == {"1": 0.5, "2": None, "3": None}
    assert set(measures["bleu"]) == {"2", "3", "4", "5"}


def test_the_bound_counts_the_first_end_and_no_padding():
    """A generator whose logits are constant: its cost is known."""
    torch.manual_seed(0)
    model = GAN(GAN.Config(width=8, heads=2, mapping_layers=0, noise_blocks=1, blocks=0).resolve(4), VOCABULARY).eval()
    with torch.no_grad():
        model.head.weight.zero_()
        model.head.bias.copy_(torch.tensor([0.5, 0.2, 0.1, 0.1, 0.05, 0.05]).log())
    sentences = torch.tensor([[1, 2, 0, 0], [1, 1, 1, 1]])
    expected = -(5 * math.log(0.2) + math.log(0.1) + math.log(0.5)) / 7
    assert bound(model, sentences, END) == pytest.approx(expected, abs=1e-5)
