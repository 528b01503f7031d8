"""Two pictures of recurrent networks, as SVG: the four patterns of input and output, and the word HELLO step by step.

The first follows A. Karpathy, "The Unreasonable Effectiveness of Recurrent Neural Networks" (2015). The numbers of the
second come from the project's own RNN: its weights, 40 numbers with one decimal, are below, so that every step can be
recomputed by hand. They were found by 250 steps of Adam on the word, then rounded.

Shapes: T letters read, V letters, H hidden units.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape

import torch
from torch import Tensor

from inkloom.models.recurrent import weights
from inkloom.models.rnn import RNN

INK, MUTED, PAPER, RULE = "#22252b", "#5f646e", "#ffffff", "#dfdbd1"
INPUT, STATE, OUTPUT = "#f5d9c8", "#d5e4d9", "#d3def1"
"""Fills of boxes: what is read, what the network keeps, what it gives."""

EDGES = {INPUT: "#b8500f", STATE: "#23794a", OUTPUT: "#2b5fb8"}
FONT = "system-ui, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"

LETTERS = "EHLO"
WORD = "HELLO"

WEIGHT_IH = ((-0.2, -0.4, 0.2, 0.0), (0.1, -1.4, 1.1, 0.0), (-0.7, 0.9, 0.1, 0.0))
"""W, (H, V): what each letter adds to each unit."""

WEIGHT_HH = ((0.2, 2.0, 0.8), (-0.6, 0.1, -0.3), (0.6, 1.2, 0.3))
"""U, (H, H): what each unit before adds to each unit."""

BIAS_H = (-0.5, -0.1, 0.3)
WEIGHT_HO = ((-0.8, -2.2, 1.5), (0.4, -0.3, -0.5), (-2.3, 1.9, -1.9), (2.4, 1.3, 1.0))
"""O, (V, H): what each unit says for each letter."""

BIAS_O = (0.3, -1.1, 0.7, 0.4)


@dataclass(frozen=True)
class Pattern:
    """How many steps read something, and how many give something."""

    name: str
    example: str
    reads: tuple[bool, ...]
    gives: tuple[bool, ...]


PATTERNS = (
    Pattern("one-to-one", "a vector to a class", (True,), (True,)),
    Pattern("one-to-many", "an image to a caption", (True, False, False), (True, True, True)),
    Pattern("many-to-one", "a name to its language", (True, True, True), (False, False, True)),
    Pattern("many-to-many", "a sentence to its translation", (True,) * 3 + (False,) * 2, (False,) * 2 + (True,) * 3),
)

BOX, GAP, LEVEL = 34, 20, 62
"""Sizes in the first picture: the side of a box, the distance between two, and that from row to row."""


def draw_patterns() -> str:
    """The four patterns side by side: what is read below, the state between, what is given above."""
    margin, between, top = 30, 52, 84
    lefts = [float(margin)]
    for pattern in PATTERNS:
        lefts.append(lefts[-1] + max(_width(len(pattern.reads)), 118) + between)
    width, height = lefts[-1] - between + margin, top + 2 * LEVEL + BOX + 62
    parts = [part for left, pattern in zip(lefts, PATTERNS, strict=False) for part in _panel(pattern, left, top)]
    key = top + 2 * LEVEL + BOX + 36
    for place, (fill, meaning) in enumerate(((INPUT, "read"), (STATE, "state"), (OUTPUT, "given"))):
        parts += [
            _box(margin + 110 * place, key - 11, 14, 14, fill),
            _text(margin + 22 + 110 * place, key + 1, meaning),
        ]
    about = "Four patterns: one-to-one, one-to-many, many-to-one and many-to-many."
    return _svg(width, height, about, parts)


def hello_network() -> RNN:
    """An RNN of three units that spells HELLO: it reads one letter, as one number of four, and says the next."""
    model = RNN(RNN.Config(embedding_size=len(LETTERS), hidden_size=len(BIAS_H), dropout=0.0), len(LETTERS)).eval()
    assert isinstance(model.head, torch.nn.Linear)
    weight_ih, weight_hh, bias_ih, bias_hh = weights(model.layers[0])
    with torch.no_grad():
        model.embedding.weight.copy_(torch.eye(len(LETTERS)))
        for parameter, values in (
            (weight_ih, WEIGHT_IH),
            (weight_hh, WEIGHT_HH),
            (bias_ih, BIAS_H),
            (model.head.weight, WEIGHT_HO),
            (model.head.bias, BIAS_O),
        ):
            parameter.copy_(torch.tensor(values))
        bias_hh.zero_()
    return model


@torch.inference_mode()
def hello_steps() -> tuple[Tensor, Tensor]:
    """What the network holds after each of HELL, and what it thinks of each letter: (hidden_TH, probabilities_TV)."""
    model = hello_network()
    tokens_T = torch.tensor([LETTERS.index(letter) for letter in WORD[:-1]])
    logits_BTV, _ = model(tokens_T[None], model.initial_state(1))
    return model.unit_values(tokens_T)["hidden"][0], logits_BTV[0].softmax(dim=-1)


def draw_hello() -> str:
    """HELLO read letter by letter: the input, the three units and the four probabilities of every step."""
    hidden_TH, probs_TV = hello_steps()
    left, column, cell = 150, 166, 24
    tops = {"reads": 62, "units": 206, "thinks": 322}
    width, height = left + column * len(hidden_TH) - 56, 492
    parts = [
        _text(20, tops["reads"] + 17, "reads", bold=True),
        _text(20, tops["reads"] + 35, "one number a letter", size=11, colour=MUTED),
        _text(20, tops["units"] + 17, "state", bold=True),
        _text(20, tops["units"] + 35, "three units", size=11, colour=MUTED),
        _text(20, tops["thinks"] + 17, "gives", bold=True),
        _text(20, tops["thinks"] + 35, "probabilities", size=11, colour=MUTED),
    ]
    middle = cell * 1.5
    for step, (hidden_H, probs_V) in enumerate(zip(hidden_TH.tolist(), probs_TV.tolist(), strict=True)):
        x = left + column * step
        read, following = WORD[step], WORD[step + 1]
        parts.append(_text(x + 41, 40, f"step {step + 1}", size=12, colour=MUTED, anchor="middle"))
        one_hot = [f"{letter}  {int(letter == read)}" for letter in LETTERS]
        parts += _numbers(x, tops["reads"], cell, one_hot, INPUT, LETTERS.index(read))
        parts += _numbers(x, tops["units"], cell, [_signed(value) for value in hidden_H], STATE, None)
        shown = [f"{letter}  {value:.3f}" for letter, value in zip(LETTERS, probs_V, strict=True)]
        parts += _numbers(x, tops["thinks"], cell, shown, OUTPUT, max(range(len(probs_V)), key=probs_V.__getitem__))
        parts.append(_arrow(x + 41, tops["reads"] + 4 * cell + 4, x + 41, tops["units"] - 5))
        parts.append(_arrow(x + 41, tops["units"] + 3 * cell + 4, x + 41, tops["thinks"] - 5))
        if step + 1 < len(hidden_TH):
            parts.append(_arrow(x + 86, tops["units"] + middle, x + column - 5, tops["units"] + middle))
        parts.append(_text(x + 41, tops["thinks"] + 4 * cell + 24, f"next: {following}", bold=True, anchor="middle"))
    about = (
        "The word HELLO through a recurrent network: it reads H, E, L and L, and after each gives the next letter a "
        f"probability of {', '.join(f'{_right(probs_TV, step):.3f}' for step in range(len(probs_TV)))}."
    )
    equations = "h = tanh(W x + U h + b),  p = softmax(O h + c). The second L is followed by O: the state has changed."
    parts.append(_text(20, height - 18, equations, size=12, colour=MUTED))
    return _svg(width, height, about, parts)


def _right(probs_TV: Tensor, step: int) -> float:
    """The probability of the letter that follows."""
    return float(probs_TV[step, LETTERS.index(WORD[step + 1])])


def _panel(pattern: Pattern, left: float, top: float) -> Iterator[str]:
    """One pattern: its name, a box for what each step reads, keeps and gives, and arrows between them."""
    yield _text(left, top - 50, pattern.name, bold=True, size=15)
    yield _text(left, top - 30, pattern.example, size=12, colour=MUTED)
    given, state, read = top, top + LEVEL, top + 2 * LEVEL
    xs = [left + step * (BOX + GAP) for step in range(len(pattern.reads))]
    for x, reads, gives in zip(xs, pattern.reads, pattern.gives, strict=True):
        yield _box(x, state, BOX, BOX, STATE)
        if reads:
            yield _box(x, read, BOX, BOX, INPUT)
            yield _arrow(x + BOX / 2, read - 2, x + BOX / 2, state + BOX + 3)
        if gives:
            yield _box(x, given, BOX, BOX, OUTPUT)
            yield _arrow(x + BOX / 2, state - 2, x + BOX / 2, given + BOX + 3)
    for before, after in pairwise(xs):
        yield _arrow(before + BOX + 2, state + BOX / 2, after - 3, state + BOX / 2)


def _width(steps: int) -> float:
    return steps * BOX + (steps - 1) * GAP


def _numbers(x: float, y: float, cell: float, lines: Sequence[str], fill: str, marked: int | None) -> Iterator[str]:
    """A column of cells with a line each, one of them marked."""
    for place, line in enumerate(lines):
        yield _box(x, y + place * cell, 82, cell, fill if marked in (None, place) else PAPER, edge=EDGES[fill])
        yield _text(x + 41, y + place * cell + cell / 2 + 4.5, line, size=12.5, anchor="middle", bold=place == marked)


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _box(x: float, y: float, width: float, height: float, fill: str, edge: str | None = None) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" fill="{fill}" '
        f'stroke="{edge or EDGES[fill]}" stroke-width="1.2"/>'
    )


def _arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """A line whose head is a triangle of its own, since markers look different from viewer to viewer."""
    angle = math.atan2(y2 - y1, x2 - x1)
    wings = [(x2 - 8 * math.cos(angle + turn), y2 - 8 * math.sin(angle + turn)) for turn in (-0.45, 0.45)]
    head = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(x2, y2), *wings])
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{INK}" stroke-width="1.4"/>'
        f'<polygon points="{head}" fill="{INK}"/>'
    )


def _text(
    x: float, y: float, text: str, *, size: float = 13, bold: bool = False, colour: str = INK, anchor: str = "start"
) -> str:
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size:g}" fill="{colour}" text-anchor="{anchor}"{weight}>'
        f"{escape(text)}</text>"
    )


def _svg(width: float, height: float, about: str, parts: Sequence[str]) -> str:
    """The whole picture, on paper of its own: a page may be dark."""
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" font-family="{FONT}">\n<title>{escape(about)}</title>\n'
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{PAPER}" stroke="{RULE}"/>\n{body}\n</svg>\n'
    )
