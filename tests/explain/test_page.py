"""The sections of the page: what the panels of tokens hold, and maps as images."""

import base64
import io

import numpy as np
import pytest
from matplotlib.image import imread

from inkloom.explain import VIEWS
from inkloom.explain.attention import attention
from inkloom.explain.evidence import evidence
from inkloom.explain.lens import lens
from inkloom.explain.mixing import mixture_weights
from inkloom.explain.next_token import next_token
from inkloom.explain.page import SECTIONS
from inkloom.explain.page.attention import SHADES, image_of
from inkloom.explain.page.next_token import WAYS
from inkloom.explain.surprisal import surprisal
from inkloom.explain.tints import Tint
from inkloom.explain.units import units
from inkloom.models.unmasked import Unmasked
from inkloom.pages.page import percent
from tests.explain.models import TEXT, TOKENIZER, V, mixture, ngram, recurrent, transformer


def test_every_view_has_a_section():
    assert set(SECTIONS) == set(VIEWS)


def test_a_panel_has_the_alternatives_and_marks_the_one_that_came():
    shown = surprisal(ngram(), TOKENIZER, TEXT, top=V)
    pieces = SECTIONS["surprisal"](shown).content["pieces"]
    assert len(pieces) == len(TEXT)
    for place, piece in enumerate(pieces):
        (came,) = [row for row in piece.rows if row.marked]
        assert came.share == pytest.approx(np.exp(-shown.nats_T[place]), rel=1e-4)
        assert f"{shown.bits_T[place]:.1f} bits" in piece.title
        assert piece.said.startswith(piece.title)


def test_an_alternative_that_came_is_not_marked_where_it_is_not_listed():
    shown = surprisal(ngram(), TOKENIZER, TEXT, top=1)
    pieces = SECTIONS["surprisal"](shown).content["pieces"]
    assert [any(row.marked for row in piece.rows) for piece in pieces] == (shown.ranks_T == 1).tolist()


def test_the_next_token_is_shown_under_several_settings():
    shown = next_token(ngram(), TOKENIZER, TEXT)
    content = SECTIONS["next"](shown).content
    assert content["ways"] == list(WAYS)
    for name, fields in WAYS.items():
        column = [cells[content["ways"].index(name)] for _, cells in content["rows"]]
        drawn_V = shown.under(shown.settings.replace(**fields)).drawn_V
        assert column == [percent(prob) if prob else "–" for prob in drawn_V[: len(column)].tolist()]
        assert content["kept"][1 + content["ways"].index(name)] == str((drawn_V > 0).sum())


def test_units_stand_with_their_gates():
    shown = units(recurrent(), TOKENIZER, TEXT, chosen=[3])
    content = SECTIONS["units"](shown).content
    ((title, finding, memory, gates),) = content["units"]
    assert title == "Layer 2, unit 4"
    assert "none of the features" in finding
    assert "".join(text for text, _ in memory.pieces).replace("↵", "") == TEXT
    assert [gate.title for gate in gates] == ["forget gate", "input gate", "output gate"]
    assert [drawing.title for drawing in content["drawings"]] == ["Layer 1", "Layer 2"]


@pytest.mark.parametrize("as_trained", [False, True])
def test_maps_are_images_whose_opacity_is_the_root_of_the_weight(as_trained):
    shown = attention(transformer(Unmasked), TOKENIZER, TEXT, as_trained=as_trained)
    content = SECTIONS["attention"](shown).content
    assert [(head.layer, head.head) for head in content["heads"]] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert sum(head.first for head in content["heads"]) == 1
    opacity_TT = opacities(content["heads"][1].image)
    np.testing.assert_allclose(opacity_TT, np.sqrt(shown.weights_LHTT[0, 1]), atol=0.5 / SHADES + 1e-6)
    if as_trained:
        assert content["mask"] is None
    else:
        assert np.array_equal(opacities(content["mask"]) > 0, shown.masked_TT)


def opacities(address):
    """What a data address holds, as numbers from 0 to 1."""
    kind, data = address.split(",")
    assert kind == "data:image/png;base64"
    return imread(io.BytesIO(base64.b64decode(data)), format="png")[..., 3]


def test_an_image_has_opacities_alone():
    pixels = imread(io.BytesIO(base64.b64decode(image_of(np.eye(3, dtype=np.float32)).split(",")[1])), format="png")
    assert np.array_equal(pixels[..., 3], np.eye(3))
    assert not pixels[..., :3].any()


def test_a_head_may_be_chosen():
    shown = attention(transformer(), TOKENIZER, TEXT)
    heads = SECTIONS["attention"](shown, layer=1, head=0).content["heads"]
    assert [head.title for head in heads if head.first] == ["Layer 2, head 1"]
    assert [head.layer for head in SECTIONS["attention"](shown, layer=0).content["heads"] if head.first] == [1]


def test_a_lens_tells_right_from_wrong():
    shown = lens(transformer(), TOKENIZER, TEXT)
    rows = SECTIONS["lens"](shown).content["rows"]
    assert [name for name, _ in rows] == ["embed", "layer 1", "layer 2"]
    for depth, (_, cells) in enumerate(rows):
        for place, (text, tint, said) in enumerate(cells):
            right = shown.top_texts[depth][place][0] == TEXT[place]
            assert tint == Tint("--series-3" if right else "--series-2", float(shown.top_probs_PTK[depth, place, 0]))
            assert said.startswith(text)
            assert said.endswith("right" if right else "wrong")


def test_the_panel_of_evidence_goes_from_the_longest_context_to_none():
    shown = evidence(ngram(4), TOKENIZER, TEXT)
    content = SECTIONS["evidence"](shown).content
    for place, piece in enumerate(content["pieces"]):
        seen = int(shown.context_lengths_T[place])
        assert len(piece.table) == seen + 1
        assert piece.table[-1][0] == "anything"
        assert piece.table[0][2] == str(shown.counts_TL[place, seen])
    assert len(content["lengths"]) == 4


def test_the_panel_of_a_mixture_has_every_part():
    shown = mixture_weights(mixture(), TOKENIZER, TEXT)
    section = SECTIONS["mixture"](shown)
    for place, piece in enumerate(section.content["pieces"]):
        assert [cells[0] for cells in piece.table] == ["rnn", "gru"]
        assert piece.table[1][3] == percent(float(shown.responsibilities_TK[place, 1]))
    assert [row.label for row in section.content["costs"]] == ["rnn", "gru", "the mixture"]
