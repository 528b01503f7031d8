"""Beam search against the search of all texts, and its properties.

Shapes: V vocabulary.
"""

import itertools
import math

import pytest
import torch

from inkloom.errors import InkloomError
from inkloom.generation.beam import BeamConfig, beam_search
from tests.generation.fakes import Markov

END, V, MOST = 0, 4, 5


def table(seed):
    return torch.randn(V, V, generator=torch.Generator().manual_seed(seed)) * 1.5


def search(logits_VV, config, texts=1, most=MOST, never=None):
    return beam_search(
        Markov(logits_VV).eval(), (), [END] * texts, end_id=END, config=config, max_tokens=[most] * texts, never=never
    )


def logprob(logits_VV, tokens):
    log_probs_VV = logits_VV.log_softmax(dim=-1)
    return sum(float(log_probs_VV[last, token]) for last, token in itertools.pairwise((END, *tokens)))


def all_texts(logits_VV, penalty, never=()):
    """Every text of at most MOST tokens that ends, with its score, the best first."""
    found = []
    for length in range(MOST + 1):
        for tokens in itertools.product(sorted(set(range(1, V)) - set(never)), repeat=length):
            score = logprob(logits_VV, (*tokens, END)) / ((5 + length + 1) / 6) ** penalty
            found.append((score, tokens))
    return sorted(found, reverse=True)


@pytest.mark.parametrize("penalty", [0.0, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_a_wide_beam_finds_the_best_of_all_texts(seed, penalty):
    logits_VV = table(seed)
    logits_VV[:, END] += 2  # so that the best texts end within MOST tokens
    (found,) = search(logits_VV, BeamConfig(beam=400, length_penalty=penalty))
    ended = [hypothesis for hypothesis in found if hypothesis.ended]
    for hypothesis, (score, tokens) in zip(ended[:3], all_texts(logits_VV, penalty)[:3], strict=True):
        assert hypothesis.token_ids == tokens
        assert hypothesis.score == pytest.approx(score, abs=1e-4)
        assert hypothesis.logprob == pytest.approx(logprob(logits_VV, (*tokens, END)), abs=1e-4)


def test_a_beam_of_one_takes_the_likeliest_token_each_time():
    logits_VV = table(5)
    (found,) = search(logits_VV, BeamConfig(beam=1))
    tokens, last = [], END
    while len(tokens) < MOST:
        last = int(logits_VV[last].argmax())
        if last == END:
            break
        tokens.append(last)
    assert list(found[0].token_ids) == tokens


def test_a_wider_beam_finds_what_greedy_misses():
    """Greedy takes 1 first (0.6), whose texts are many; 2 (0.4) goes on with certainty."""
    probabilities = torch.full((V, V), 1e-9)
    probabilities[END] = torch.tensor([1e-9, 0.6, 0.4, 1e-9])
    probabilities[1] = torch.tensor([0.34, 0.33, 1e-9, 0.33])
    probabilities[2] = torch.tensor([1.0, 1e-9, 1e-9, 1e-9])
    config = {"length_penalty": 0.0}
    (greedy,), (wider,) = (search(probabilities.log(), BeamConfig(beam=beam, **config)) for beam in (1, 2))
    assert greedy[0].token_ids == (1,)
    assert wider[0].token_ids == (2,)
    assert wider[0].logprob == pytest.approx(math.log(0.4), abs=1e-4)


def test_poor_texts_that_end_soon_do_not_end_the_search():
    """Whatever is written, the end is always near: 1, 2, 3, 1, 2 … with 0.9 each, and 0.05 for an end in between."""
    probabilities = torch.full((V, V), 0.025)
    for last, token in ((END, 1), (1, 2), (2, 3)):
        probabilities[last, token], probabilities[last, END] = 0.9, 0.05
    probabilities[3, END] = 0.925
    (found,) = search(probabilities.log(), BeamConfig(beam=2))
    assert found[0].token_ids == (1, 2, 3)


def test_hypotheses_come_in_order_and_differ():
    (found,) = search(table(1), BeamConfig(beam=6, length_penalty=0.7))
    scores = [hypothesis.score for hypothesis in found]
    assert scores == sorted(scores, reverse=True)
    assert len({hypothesis.token_ids for hypothesis in found}) == len(found)


def test_a_higher_penalty_gives_longer_texts():
    logits_VV = torch.zeros(V, V)  # every token costs as much
    (short,), (long,) = (search(logits_VV, BeamConfig(beam=50, length_penalty=penalty)) for penalty in (0.0, 4.0))
    assert len(short[0].token_ids) == 0
    assert len(long[0].token_ids) >= MOST - 1


def test_texts_that_do_not_end_are_cut():
    logits_VV = table(0)
    logits_VV[:, END] = -50.0
    (found,) = search(logits_VV, BeamConfig(beam=3), most=2)
    assert all(len(hypothesis.token_ids) == 2 and not hypothesis.ended for hypothesis in found)


def test_a_token_may_be_ruled_out():
    logits_VV = table(2)
    logits_VV[:, 3] += 5
    (found,) = search(logits_VV, BeamConfig(beam=10), never=3)
    assert found
    assert not any(3 in hypothesis.token_ids for hypothesis in found)


def test_texts_beside_each_other_do_not_mix():
    alone, together = search(table(3), BeamConfig(beam=4)), search(table(3), BeamConfig(beam=4), texts=3)
    assert together == alone * 3


def test_a_model_that_diverged_is_said_to_have():
    with pytest.raises(InkloomError, match="not finite"):
        search(torch.full((V, V), math.nan), BeamConfig())
