import itertools

from hypothesis import example, given
from hypothesis import strategies as st

from inkloom.generation.text_stream import StopGuard, TextStream, WordGuard

from .fakes import BytesDecoder

AB = st.text("ab")
stops_strategy = st.lists(st.text("ab", min_size=1, max_size=4), max_size=3)


def pushed(pieces, stop):
    """The texts that a guard passed on, until it stopped, with what it flushed; and whether it stopped."""
    guard = StopGuard(stop)
    passed = []
    for piece in pieces:
        passed.append(guard.push(piece))
        if guard.stopped:
            break
    return [*passed, guard.flush()], guard.stopped


def text_before_stop(text, stop):
    """Definition: look at every end in turn; the first that completes a stop text ends the text before it."""
    for end in range(len(text) + 1):
        completed = [len(s) for s in stop if text[:end].endswith(s)]
        if completed:
            return text[: end - max(completed)], True
    return text, False


@given(st.lists(AB), stops_strategy)
@example(["a", "ab", "c"], ["ab"])
@example(["a", "b", "c", "d"], ["abcd", "bc"])
def test_nothing_is_lost_and_nothing_follows_a_stop_text(pieces, stop):
    passed, stopped = pushed(pieces, stop)
    assert ("".join(passed), stopped) == text_before_stop("".join(pieces), stop)


@given(st.lists(AB), stops_strategy)
def test_no_part_of_a_stop_text_is_shown_before_it_is_known_to_be_none(pieces, stop):
    guard = StopGuard(stop)
    shown = ""
    for piece, so_far in zip(pieces, itertools.accumulate(pieces), strict=True):
        shown += guard.push(piece)
        if guard.stopped:
            break
        held = so_far.removeprefix(shown)
        assert shown + held == so_far
        possible = [s[:n] for s in stop for n in range(1, len(s)) if so_far.endswith(s[:n])]
        assert held == max(possible, key=len, default="")  # all that might be a stop text, and no more


def test_pieces_pass_at_once_where_no_stop_text_begins():
    guard = StopGuard(["\n\n"])
    assert [guard.push(piece) for piece in ("To be", "\n", "or", "\n", "\n")] == ["To be", "", "\nor", "", ""]
    assert guard.stopped


@given(st.text(), st.integers(1, 3))
def test_characters_are_never_split(text, cut):
    data = text.encode()
    stream = TextStream(BytesDecoder(), ())
    pieces = [stream.push(1 + byte) for byte in data]
    assert "".join(pieces) == text
    assert stream.flush() == ""

    broken = TextStream(BytesDecoder(), ())
    assert text.startswith("".join(broken.push(1 + byte) for byte in data[:-cut]))


def test_an_unfinished_character_is_flushed_as_a_replacement():
    stream = TextStream(BytesDecoder(), ("ab",))
    assert [stream.push(1 + byte) for byte in "a€".encode()[:-1]] == ["", "", ""]
    assert stream.flush() == "a\ufffd"
    assert stream.finish_reason is None


def test_the_flushed_rest_may_complete_a_stop_text():
    stream = TextStream(BytesDecoder(), ("a\ufffd",))
    assert [stream.push(1 + byte) for byte in "xa€".encode()[:-1]] == ["x", "", "", ""]
    assert stream.flush() == ""
    assert stream.finish_reason == "stop"


@given(st.lists(st.text("ab \n")), st.integers(1, 4))
def test_a_text_ends_with_its_last_word_whatever_its_pieces(pieces, most):
    guard, passed = WordGuard(most), []
    for piece in pieces:
        passed.append(guard.push(piece))
        if guard.ended:
            break
    text = "".join(pieces)
    assert text.startswith("".join(passed))
    assert "".join(passed).split() == text.split()[:most]
    follows = len(text.split()) > most or (len(text.split()) == most and text[-1].isspace())
    assert guard.ended == follows
    assert not guard.ended or not passed[-1][-1:].isspace()


def test_without_a_number_of_words_all_pass():
    assert WordGuard(None).push("so many words ") == "so many words "


class Texts:
    """Decodes token 0 as the first text, and so on."""

    def __init__(self, *texts):
        self.texts = texts

    def push(self, token):
        return self.texts[token]

    def flush(self):
        return ""


def test_whatever_comes_first_in_the_text_ends_it():
    for texts, shown, reason in (
        (["one two", " END"], "one two", "length"),
        (["one", "END two "], "one", "stop"),
        (["one two END "], "one two", "length"),
        (["one EN", "D two"], "one ", "stop"),
    ):
        stream = TextStream(Texts(*texts), ["END"], max_words=2)
        written = ""
        for token in range(len(texts)):
            if stream.finish_reason is None:
                written += stream.push(token)
        assert (written, stream.finish_reason) == (shown, reason)
