from hypothesis import given
from hypothesis import strategies as st

from inkloom.corpus.base import Corpus, CorpusConfig, Part
from inkloom.runs.directory import SplitConfig
from inkloom.runs.parts import SPANS, cut

CONFIG = CorpusConfig(sources=("a.txt",))


def parts_of(part, held_back):
    own = {"train": part, "val": Part("val", ("held out",))}
    return cut(Corpus("a", CONFIG, Part("all", ()), own), SplitConfig(held_back=held_back))


def test_nothing_is_held_back_unless_asked():
    assert set(parts_of(Part("train", ("some text",)), 0)) == {"train", "val"}


@given(st.integers(100, 5_000), st.floats(0.5, 40))
def test_spans_of_a_running_text_are_held_back_from_all_over_it(chars, per_cent):
    text = "".join(chr(0x4E00 + number) for number in range(chars))  # every character once
    parts = parts_of(Part("train", (text,)), per_cent)
    kept, held_back = parts["train"].texts, parts["held_back"].texts
    assert len(held_back) == SPANS
    assert "".join(a + b + c for a, b, c in zip(kept[::2], held_back, kept[1::2], strict=True)) == text
    assert abs(parts["held_back"].chars - chars * per_cent / 100) <= SPANS
    assert not parts["train"].documents
    assert kept[-1].endswith(text[-1])  # what stands next to val is trained on


@given(st.integers(2, 300), st.floats(0.5, 40))
def test_documents_are_held_back_whole_and_at_equal_distances(count, per_cent):
    documents = tuple(f"document {number}" for number in range(count))
    parts = parts_of(Part("train", documents, end_chars=1, documents=True), per_cent)
    assert sorted([*parts["train"].texts, *parts["held_back"].texts]) == sorted(documents)
    assert abs(len(parts["held_back"].texts) - max(1, count * per_cent / 100)) <= 1
    assert parts["held_back"].name == "held_back"
    assert parts["held_back"].documents
    assert parts["held_back"].end_chars == 1
