"""Pairs that a network learns in seconds: numbers in German and in English."""

import itertools

TENS = {"zwanzig": "twenty", "dreißig": "thirty", "vierzig": "forty"}
ONES = {"eins": "one", "zwei": "two", "drei": "three", "vier": "four"}
THINGS = {"Hunde": "dogs", "Katzen": "cats", "Autos": "cars"}


def sentences():
    """(source, target) pairs, all different."""
    for (tens_de, tens_en), (ones_de, ones_en), (de, en) in itertools.product(
        TENS.items(), ONES.items(), THINGS.items()
    ):
        yield f"{ones_de} und {tens_de} {de}", f"{tens_en} {ones_en} {en}"
        yield f"{tens_de} {de}, {ones_de}", f"{tens_en} {en}, {ones_en}"


def write_folder(folder):
    """The pairs as a folder with train, val and test; every ninth is held out for each of the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = list(sentences())
    parts = {
        "val": pairs[4::9],
        "test": pairs[8::9],
        "train": [pair for number, pair in enumerate(pairs) if number % 9 not in (4, 8)],
    }
    for name, of_part in parts.items():
        for side, language in enumerate(("de", "en")):
            (folder / f"{name}.{language}").write_text("".join(f"{pair[side]}\n" for pair in of_part), encoding="utf-8")
    return folder


SETTINGS = {
    "model": "seq2seq",
    "corpus_options": {"source_name": "de", "target_name": "en"},
    "overrides": [
        "model.width=32",
        "model.heads=2",
        "model.encoder_layers=1",
        "model.decoder_layers=1",
        "model.dropout=0.0",
        "tokenizer.vocab_size=300",
        "training.learning_rate=0.01",
        "training.samples=1",
        "training.validations=2",
        "training.precision=float32",
        "training.averaging=none",
    ],
}
"""Of `inkloom.train`, under which a training takes seconds."""
