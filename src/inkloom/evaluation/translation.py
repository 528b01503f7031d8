"""What a translation is worth: its likelihood by the protocol, and how near the model's own translations come to it.

BLEU (K. Papineni et al., ACL 2002) and chrF (M. Popović, WMT 2015) are those of the sacrebleu library, with the
signature that says how they were counted (M. Post, "A Call for Clarity in Reporting BLEU Scores", WMT 2018).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch.nn import functional

from inkloom.data.pairs import NO_TARGET, EncodedPairs
from inkloom.data.progress import Advance
from inkloom.errors import InputError
from inkloom.evaluation.likelihood import LOGITS_AT_ONCE, Scores
from inkloom.models.evaluating import evaluating
from inkloom.models.seq2seq import Seq2Seq

TOKENS_AT_ONCE = 4096
"""Of targets that are scored together, padding included."""


@dataclass(frozen=True)
class Metric:
    """A corpus score from 0 to 100, and how it was counted."""

    score: float
    signature: str


@dataclass(frozen=True)
class TranslationScores:
    """Translations against one reference each; `lowercased` ones do not tell capital letters from small ones."""

    sentences: int
    bleu: Metric
    bleu_lowercased: Metric
    chrf: Metric
    chrf_lowercased: Metric
    exact: float
    """Share of translations that are the reference, letter by letter."""

    exact_lowercased: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def translation_scores(translations: Sequence[str], references: Sequence[str]) -> TranslationScores:
    """Score as many translations as references. Raises InputError where there are none."""
    if not translations:
        raise InputError("There is no translation to score. Give a split with at least one pair.")
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    def metric(counts: Any) -> Metric:
        score = counts.corpus_score(list(translations), [list(references)]).score
        return Metric(float(score), str(counts.get_signature()))

    pairs = list(zip(translations, references, strict=True))
    return TranslationScores(
        sentences=len(pairs),
        bleu=metric(BLEU()),
        bleu_lowercased=metric(BLEU(lowercase=True)),
        chrf=metric(CHRF()),
        chrf_lowercased=metric(CHRF(lowercase=True)),
        exact=sum(found == wanted for found, wanted in pairs) / len(pairs),
        exact_lowercased=sum(found.lower() == wanted.lower() for found, wanted in pairs) / len(pairs),
    )


@dataclass(frozen=True)
class Repeats:
    """How much of a split train has word for word: there a translation may come from memory."""

    sources: int
    """Pairs whose source stands in train."""

    targets: int
    pairs: int
    """Pairs whose source and target stand there, though not always together."""

    new: TranslationScores | None
    """The scores of the pairs of which train has neither side; None where there are none."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def repeats(
    translations: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    train: Iterable[tuple[str, str]],
) -> Repeats:
    """What train, as pairs of source and target, has of a split's pairs, and the scores of the others' translations."""
    sources, targets = (set(side) for side in zip(*train, strict=True))
    known = [(source in sources, target in targets) for source, target in pairs]
    new = [number for number, sides in enumerate(known) if not any(sides)]
    return Repeats(
        sources=sum(of_source for of_source, _ in known),
        targets=sum(of_target for _, of_target in known),
        pairs=sum(all(sides) for sides in known),
        new=translation_scores([translations[i] for i in new], [pairs[i][1] for i in new]) if new else None,
    )


@torch.inference_mode()
def score_pairs(model: Seq2Seq, pairs: EncodedPairs, advance: Advance = lambda done: None) -> Scores:
    """What the targets cost given their sources, every token once, end tokens included.

    Pairs with more tokens than the model can read are left out of all counts but the characters; there are
    `len(pairs) - len(pairs.within(context_length))` of them. advance: hears of tokens that are scored.
    Raises InputError where no pair is left.
    """
    with evaluating(model):
        nats, tokens = 0.0, 0
        for numbers in pairs.in_batches(model.config.context_length, _tokens_at_once(model)):
            batch = pairs.batch(numbers, model.config.context_length)
            sources_BS, lengths_B, inputs_BT, targets_BT = (part.to(model.device) for part in batch)
            logits_BTV, _ = model(inputs_BT, model.begin(model.encode(sources_BS, lengths_B)))
            targets_N = targets_BT.flatten()
            nats += float(
                functional.cross_entropy(
                    logits_BTV.float().flatten(0, 1), targets_N, reduction="sum", ignore_index=NO_TARGET
                )
            )
            count = int((targets_N != NO_TARGET).sum())
            tokens += count
            advance(count)
    encoded = pairs.targets.encoded
    if not tokens:
        raise InputError(f"The {encoded.name} split has no pair that the model can read. Give shorter ones.")
    return Scores(
        split=encoded.name,
        tokens=tokens,
        chars=encoded.chars,
        bytes=encoded.bytes,
        unknown_tokens=encoded.unknown_tokens,
        nats=nats,
        charge_nats=encoded.charge_nats,
    )


def _tokens_at_once(model: Seq2Seq) -> int:
    return max(model.config.context_length, min(TOKENS_AT_ONCE, LOGITS_AT_ONCE // model.vocab_size))
