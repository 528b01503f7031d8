"""The section on the lens: a table of what each depth would predict."""

import numpy as np

from inkloom.explain import words
from inkloom.explain.lens import Lens
from inkloom.explain.page.pieces import Row, Section
from inkloom.explain.tints import Tint
from inkloom.explain.tokens import shortened, visible
from inkloom.pages.page import decimal, percent

LONGEST_LABEL = 8


def section(shown: Lens) -> Section:
    bits_P = shown.nats_PT.mean(axis=1) / np.log(2)
    bars = [
        Row(name, f"{decimal(bits, 2)} bits", bits / float(bits_P.max()))
        for name, bits in zip(shown.depths, bits_P.tolist(), strict=True)
    ]
    rows = []
    for depth, name in enumerate(shown.depths):
        cells = []
        for place in range(len(shown.tokens)):
            right = bool(shown.ranks_PT[depth, place] == 1)
            prob = float(shown.top_probs_PTK[depth, place, 0])
            text = visible(shown.top_texts[depth][place][0])
            said = f"{text}, {percent(prob)}, {'right' if right else 'wrong'}"
            tint = Tint("--series-3" if right else "--series-2", prob)
            cells.append((shortened(text, LONGEST_LABEL), tint, said))
        rows.append((name, cells))
    remarks = [
        "What the model would predict for each token if it ended at this depth: the sum so far goes through its own "
        "last norm and its output head. The last row is what it does predict.",
        words.lens_summary(shown),
    ]
    content = {
        "texts": [shortened(visible(text), LONGEST_LABEL) for text in shown.tokens.texts],
        "rows": rows,
        "bars": bars,
        "legend": [("right", Tint("--series-3", 1.0)), ("wrong", Tint("--series-2", 1.0))],
    }
    return Section("lens", "How the prediction forms", remarks, content)
