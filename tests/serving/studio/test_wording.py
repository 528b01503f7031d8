"""What the Studio says: known answers."""

import pytest

from inkloom.runs.facts import RunFacts
from inkloom.serving.studio.wording import address, family, in_short, readable, without_paths


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Cannot read /home/anna/texts/my.txt: gone.", "Cannot read my.txt: gone."),
        ("'/srv/a b/x' has changed", "'/srv/a b/x' has changed".replace("/srv/", "")),
        (r"C:\Users\anna\runs\x lacks config.json.", "x lacks config.json."),
        ("~/runs/x is a file", "x is a file"),
        ("2/3 of val, and/or 1.5 m/s", "2/3 of val, and/or 1.5 m/s"),
        ("runs/x holds no run", "runs/x holds no run"),
        ("Train, val and test: 90,5,5.", "Train, val and test: 90,5,5."),
        ("see /, /x and more", "see /, /x and more"),
    ],
)
def test_messages_lose_the_folders_of_absolute_paths(message, said):
    assert without_paths(message) == said


def test_a_run_in_half_a_line():
    facts = RunFacts("r", "finished", "lstm", "plays", bits_per_char=2.1299)
    assert in_short(facts) == "LSTM on plays, 2.13 bits per character"
    assert in_short(RunFacts("r", "not finished", "ngram", "plays")) == "N-gram on plays, not finished"
    assert in_short(RunFacts("r", "damaged", "?")) == "?, damaged"


def test_an_unknown_family_keeps_its_name():
    assert family("parrot") == "parrot"
    assert family(None) == "?"


def test_what_cannot_be_seen_has_a_sign():
    assert [readable(token) for token in ("\n", "\t", " ", "  ", "a", "a\n")] == ["↵", "⇥", "⎵", "⎵⎵", "a", "a↵"]


def test_a_name_in_an_address_is_quoted():
    assert address("/inside", "<b>&?x=1") == "/inside?run=%3Cb%3E%26%3Fx%3D1"
