"""From what a model does with a text to how it looks: known answers, on models whose numbers are known."""

import json

import numpy as np
import pytest
import torch

from inkloom.explain import (
    AttentionMaps,
    Lens,
    MixtureWeights,
    NGramEvidence,
    Surprisal,
    Units,
    next_token,
    surprisal,
)
from inkloom.explain.evidence import Continuation
from inkloom.explain.tokens import Tokens
from inkloom.generation import GenerationConfig
from inkloom.serving.studio import shades
from inkloom.tokenizers.char import CharTokenizer
from tests.fakes import TableModel

pytest.importorskip("nicegui", reason="NiceGUI is not installed; `pip install 'inkloom[studio]'`")

AB = Tokens(np.array([2, 3]), ("a", "b"))


@pytest.fixture
def model() -> TableModel:
    """Over <unk>, <end>, a and b: after anything, a comes with 3/4 and b with 1/4."""
    return TableModel(torch.tensor([[1e-9, 1e-9, 0.75, 0.25]]).repeat(4, 1).log()).eval()


def test_surprise_is_the_strength_and_the_alternatives_are_told(model):
    found: Surprisal = surprisal(model, CharTokenizer("ab"), "ab", top=4)
    first, second = shades.of_surprisal(found, alternatives=2)
    assert second.strength == pytest.approx(2 / shades.MOST_BITS)
    assert second.said == "2.0 bits, 25.0\u00a0%, 2nd of the model's choices"
    assert [text for text, _ in second.rows] == ["a", "b"]
    assert (first.came, second.came) == (0, 1)
    assert first.strength < second.strength


def test_bars_are_what_is_drawn_beside_what_the_model_gave(model):
    found = next_token(model, CharTokenizer("ab"), "a", GenerationConfig(top_k=1), top=2)
    likely, unlikely = shades.of_next(found)
    assert (likely.text, likely.drawn) == ("a", 1.0)
    assert likely.own == pytest.approx(0.75, abs=1e-6)
    assert unlikely.drawn == 0


@pytest.mark.parametrize(
    ("rank", "said"),
    [(1, "first"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (22, "22nd"), (1013, "1,013th")],
)
def test_ranks_are_said_as_people_say_them(rank, said):
    assert shades.ordinal(rank) == said


def test_the_context_of_a_token_is_the_end_of_what_stands_before():
    texts = ("a", " ", "b", "\n", "c")
    assert shades.context(texts, 4) == "a b↵"
    assert shades.context(texts, 4, most=2) == "…b↵"
    assert shades.context(texts, 0) == ""


def attention(mask=True) -> AttentionMaps:
    weights_TT = np.array([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.1, 0.3, 0.6]], np.float32)
    tokens = Tokens(np.array([1, 2, 3]), ("⟨end⟩", "a", "b"))
    return AttentionMaps(tokens, weights_TT[None, None], np.triu(np.ones((3, 3), bool), 1) & mask)


def test_attention_is_relative_to_what_is_looked_at_most_and_the_masked_has_no_colour():
    end, a, b = shades.of_attention(attention(), 0, 0, 1)
    assert (end.strength, a.strength) == (pytest.approx(1 / 3), 1.0)
    assert b.strength is None
    assert "masked" in b.said


def test_a_heads_habit_is_told():
    assert "goes to the token itself" in shades.head_habit(attention(), 0, 0)
    assert "0.2 tokens away" in shades.head_habit(attention(), 0, 0)


def cells(shown) -> list:
    import base64

    from inkloom.serving.studio.widgets.heat_map import as_json

    return list(base64.b64decode(json.loads(as_json(shown))["cells"]))


def test_a_map_has_a_byte_a_cell_and_none_for_what_is_masked():
    shown = shades.attention_map(attention(), 0, 0)
    assert cells(shown) == [255, 0, 0, round(1 + 0.25 * 254), round(1 + 0.75 * 254), 0, 26, 77, 153]


def units() -> Units:
    values = {
        "hidden": np.array([[[0.5], [-1.0]]], np.float32),
        "cell": np.array([[[0.0], [-20.0]]], np.float32),
        "forget": np.array([[[0.2], [1.0]]], np.float32),
    }
    return Units(AB, values, ())


def test_a_unit_has_two_colours_and_its_cell_is_shown_as_it_shows_itself():
    first, second = shades.of_unit(units(), "cell", 0, 0)
    assert (first.strength, second.strength) == (0.0, 1.0)
    assert second.colour == "cold"
    assert [shade.said for shade in shades.of_unit(units(), "forget", 0, 0)] == ["0.20", "1.00"]


def test_all_values_of_a_unit_make_a_signed_map():
    shown = shades.unit_map(units(), ["hidden", "forget"], 0, 0)
    assert shown.rows == ["Shown (h)", "Forget gate (f)"]
    assert cells(shown) == [round(1 + 0.75 * 254), 1, round(1 + 0.6 * 254), 255]


def test_depths_have_names():
    assert shades.depth_names(2) == ["Embedding", "Layer 1, the model"]
    assert shades.depth_names(4) == ["Embedding", "Layer 1", "Layer 2", "Layer 3, the model"]
    nats = np.log(np.array([[2.0, 4.0], [1.0, 1.0]], np.float32))
    ranks = np.ones((2, 2), np.int64)
    found = Lens(AB, nats, ranks, ranks[..., None], np.ones((2, 2, 1), np.float32), ((("a",), ("b",)),) * 2)
    assert cells(shades.depth_map(found)) == [128, round(1 + 0.25 * 254), 255, 255]


def test_evidence_is_as_strong_as_its_ngram_is_long():
    from inkloom.serving.studio.views.evidence import rows_of

    known_TL = np.array([[True, False], [True, True]])
    found = NGramEvidence(
        tokens=AB,
        probs_TL=np.array([[0.5, np.nan], [0.25, 0.5]], np.float32),
        backoffs_TL=np.array([[0.1, np.nan], [0.1, 0.4]], np.float32),
        known_TL=known_TL,
        counts_TL=np.array([[5, 0], [2, 3]]),
        context_counts_TL=np.array([[10, 0], [1000, 6]]),
        parts_TL=np.array([[0.1, 0.4, 0], [0.05, 0.05, 0.4]], np.float32),
        continuations=((Continuation(3, "b", 0.5, (1,)),), (Continuation(3, "b", 0.5, (2, 3)),)),
    )
    first, second = shades.of_evidence(found)
    assert (first.strength, second.strength) == (0.5, 1.0)
    assert (first.came, second.came) == (None, 0)
    assert rows_of(found, 1) == [
        ("“a”", "6", "3", "0.40", "40.0\u00a0%"),
        ("anything", "1,000", "2", "0.10", "5.0\u00a0%"),
        ("an even guess", "", "", "", "5.0\u00a0%"),
    ]
    assert len(rows_of(found, 0)) == 2


def test_a_token_has_the_colour_of_the_part_that_knew_it():
    nats_TK = -np.log(np.array([[0.5, 0.1], [0.1, 0.5]], np.float32))
    found = MixtureWeights(AB, ("lstm", "ngram"), nats_TK, np.log(np.full((2, 2), 0.5, np.float32)))
    first, second = shades.of_mixture(found)
    assert (first.colour, second.colour) == ("tint-1", "tint-2")
    assert first.strength == pytest.approx(5 / 6)
    assert first.said == "lstm 83.3\u00a0%; ngram 16.7\u00a0%"
