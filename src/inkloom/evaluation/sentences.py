"""Named estimates of a generator of sentences, which has no likelihood: its samples beside real sentences.

Quality: what the samples cost under an n-gram model of real held-out sentences, and their BLEU against these.
Diversity: what the real sentences cost under an n-gram model of the samples, self-BLEU, and distinct n-grams.
M. Caccia et al., "Language GANs Falling Short", ICLR 2020 (arXiv:1811.02549): either alone can be had for nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import fmean
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from inkloom.data.sentences import own_tokens
from inkloom.evaluation.bleu import References
from inkloom.evaluation.diversity import distinct, self_bleu
from inkloom.evaluation.fluency import fit_ngrams, nats_per_token
from inkloom.generation.sampling import generator_of_sample
from inkloom.models.gan import GAN, Noise
from inkloom.models.ngram import NGram

BLEU_LONGEST = (2, 3, 4, 5)
DISTINCT_ORDERS = (1, 2, 3)

AT_ONCE = 64
"""Sentences whose bound is computed together."""

Sentence: TypeAlias = Sequence[int]
"""The ids of a sentence, its end token left out."""


@dataclass(frozen=True)
class SentenceMeasures:
    """Measures of a set of sentences. Those of sets of different size do not compare."""

    sentences: int
    mean_tokens: float
    """Without the end."""

    sample_nats: float
    """Quality: mean cost of their tokens under an n-gram model of real held-out sentences, ends included."""

    real_nats: float
    """Diversity: mean cost of the tokens of real sentences under an n-gram model of these."""

    bleu: Mapping[int, float]
    """Quality, by the longest n-grams: mean BLEU against all real sentences."""

    self_bleu: Mapping[int, float]
    """Sameness, by the longest n-grams: mean BLEU against all others of the set."""

    distinct: Mapping[int, float]
    """Diversity, by order: different n-grams as a share of all."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; lengths of n-grams are text, and what is not defined is null."""
        return {name: _plain(value) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class RealSentences:
    """What sentences are measured against. judged: the sentences of the set that quality and diversity refer to."""

    judged: Sequence[Sentence]
    vocab_size: int
    end_id: int

    @cached_property
    def ngrams(self) -> NGram:
        """The n-gram model of these sentences."""
        return fit_ngrams(self.judged, self.vocab_size, self.end_id)

    @cached_property
    def references(self) -> list[References]:
        """These sentences for BLEU-n, for each n."""
        return [References(self.judged, longest) for longest in BLEU_LONGEST]

    def likelihoods(self, sentences: Sequence[Sentence]) -> tuple[float, float]:
        """(sample_nats, real_nats) of some sentences: the measures that take no time."""
        own = fit_ngrams(sentences, self.vocab_size, self.end_id)
        return (
            nats_per_token(self.ngrams, sentences, self.end_id),
            nats_per_token(own, self.judged, self.end_id),
        )

    def measure(self, sentences: Sequence[Sentence]) -> SentenceMeasures:
        """All measures of some sentences, at least one."""
        sample_nats, real_nats = self.likelihoods(sentences)
        return SentenceMeasures(
            sentences=len(sentences),
            mean_tokens=fmean(map(len, sentences)),
            sample_nats=sample_nats,
            real_nats=real_nats,
            bleu={against.longest: fmean(map(against.bleu, sentences)) for against in self.references},
            self_bleu={longest: self_bleu(sentences, longest) for longest in BLEU_LONGEST},
            distinct={order: distinct(sentences, order) for order in DISTINCT_ORDERS},
        )


def sentence_nats(model: GAN, sentences_BS: Tensor, noise: Noise, end_id: int) -> Tensor:
    """What each token of real sentences costs, padding included, where the noise is given: nats_BS."""
    read_BS = functional.pad(sentences_BS[:, :-1], (1, 0), value=end_id)
    logits_BSV, _ = model(read_BS, model.initial_state(len(sentences_BS), noise))
    nats_N = functional.cross_entropy(logits_BSV.float().flatten(0, 1), sentences_BS.flatten(), reduction="none")
    return nats_N.view_as(sentences_BS)


@torch.no_grad()
def bound(model: GAN, sentences_NS: Tensor, end_id: int, seed: int = 0) -> float:
    """Mean cost of a token of real sentences in nats, the first end included, each sentence given noise of its own.

    By Jensen's inequality no less, on average over the noise, than what the sentences cost under the generator as a
    distribution, which sums over all noise and is not tractable.
    """
    nats, tokens = 0.0, 0
    for number, sentences_BS in enumerate(torch.split(sentences_NS, AT_ONCE)):
        sentences_BS = sentences_BS.to(model.device)
        noise = model.noise(len(sentences_BS), generator_of_sample(seed, number))
        own_BS = own_tokens(sentences_BS, end_id)
        nats += float(sentence_nats(model, sentences_BS, noise, end_id)[own_BS].sum())
        tokens += int(own_BS.sum())
    return nats / tokens


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    return None if value != value else value
