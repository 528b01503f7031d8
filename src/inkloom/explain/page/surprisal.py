"""The section on surprisal: the text, coloured by bits, with what was expected instead."""

from inkloom.explain import tints, words
from inkloom.explain.page.pieces import Piece, Row, Section
from inkloom.explain.surprisal import Surprisal
from inkloom.explain.tints import Tint
from inkloom.explain.tokens import readable, visible
from inkloom.pages.page import decimal, percent


def section(shown: Surprisal) -> Section:
    pieces = [_piece(shown, place, tint) for place, tint in enumerate(tints.of_surprisal(shown))]
    remarks = [words.most_surprising(shown), words.first_choices(shown), words.expectation(shown)]
    return Section(
        "surprisal", "What surprised it", remarks, {"pieces": pieces, "legend": tints.surprisal_legend(shown)}
    )


def _piece(shown: Surprisal, place: int, tint: Tint) -> Piece:
    text = shown.tokens.texts[place]
    title = f"{words.quoted(text)} cost {decimal(float(shown.bits_T[place]), 1)} bits"
    rank = f"{words.ordinal(int(shown.ranks_T[place]))} choice"
    alternatives = [
        Row(visible(other), percent(prob), prob, marked=token == shown.tokens.ids[place])
        for other, token, prob in zip(
            shown.top_texts[place], shown.top_ids_TK[place].tolist(), shown.top_probs_TK[place].tolist(), strict=True
        )
    ]
    expected = ", ".join(f"{row.label} {row.value}" for row in alternatives[:3])
    return Piece(readable(text), tint, f"{title}, {rank}", f"{title}, {rank}. Expected: {expected}", alternatives)
