"""Captions judged against those of their images."""

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from inkloom.corpus.base import Part
from inkloom.data.captions import encode_captions
from inkloom.evaluation.captioning import caption_nats, judge, score_captions
from inkloom.generation.captioning import Caption
from inkloom.models.captioner import Captioner
from inkloom.tokenizers.word import WordTokenizer

TEXTS = ("a red cat\na cat sleeps", "a dog", "two red dogs sleep\na dog sleeps\ndogs")


@pytest.fixture
def tokenizer():
    return WordTokenizer.fit([*TEXTS, "A Red cat"], WordTokenizer.Config(min_count=1))


@pytest.fixture
def captioned(tokenizer, tmp_path):
    for number in range(len(TEXTS)):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    part = Part("test", TEXTS, documents=True, conditions=tuple(f"{number}.png" for number in range(len(TEXTS))))
    return encode_captions(tokenizer, part, tmp_path, 8)


@pytest.fixture
def model(tokenizer):
    torch.manual_seed(0)
    return Captioner(Captioner.Config(image_size=8, channels=(8,), width=8, heads=2), tokenizer.vocab_size).eval()


def written(tokenizer, text):
    return Caption(text, tuple(tokenizer.encode(text).ids.tolist()), -1.0)


def test_exact_is_any_of_the_references_as_the_tokenizer_reads_it(tokenizer):
    references = ("A red  cat", "a cat sleeps")
    assert judge(tokenizer, "x", written(tokenizer, "a red cat"), references).exact
    assert judge(tokenizer, "x", written(tokenizer, "a cat sleeps"), references).bleu == pytest.approx(1.0)
    other = judge(tokenizer, "x", written(tokenizer, "a dog sleeps"), references)
    assert not other.exact
    assert 0 < other.bleu < 1


def test_a_reference_with_an_unknown_word_cannot_be_matched(tokenizer):
    unknown = written(tokenizer, "a zebra")
    assert tokenizer.unknown_id in unknown.token_ids
    assert not judge(tokenizer, "x", unknown, ("a zebra",)).exact


def test_an_empty_caption_is_worth_nothing(tokenizer):
    judged = judge(tokenizer, "x", Caption("", (), -1.0), ("a dog",))
    assert (judged.exact, judged.bleu) == (False, 0.0)


def test_every_token_of_every_caption_is_paid_for_once(model, tokenizer, captioned):
    expected, tokens = 0.0, 0
    with torch.no_grad():
        for number, text in enumerate(TEXTS):
            for caption in text.split("\n"):
                ids = torch.from_numpy(tokenizer.encode(caption).ids.astype(np.int64))
                end = torch.tensor([tokenizer.end_id])
                state = model.initial_state(1, torch.from_numpy(captioned.pixels_NSS3[[number]]))
                logits_1TV, _ = model(torch.cat([end, ids])[None], state)
                expected += float(functional.cross_entropy(logits_1TV[0], torch.cat([ids, end]), reduction="sum"))
                tokens += len(ids) + 1
    assert caption_nats(model, captioned) == pytest.approx(expected, rel=1e-5)
    done = []
    scores, judged = score_captions(model, tokenizer, captioned, advance=done.append)
    assert scores.nats_per_token == pytest.approx(expected / tokens, rel=1e-5)
    assert sum(done) == 2 * len(TEXTS)
    assert (scores.images, scores.captions, scores.tokens) == (3, 6, tokens)
    assert scores.exact == sum(one.exact for one in judged) / 3
    assert scores.bleu == pytest.approx(math.fsum(one.bleu for one in judged) / 3)
    assert scores.as_json().keys() >= {"split", "exact", "bleu", "nats_per_token", "images", "captions"}
