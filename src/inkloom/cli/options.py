"""Options that several verbs take, so that they read and mean the same everywhere."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from inkloom.corpus.documents import Kind
from inkloom.errors import InputError

TEXT, MODEL = "Text", "Model"
"""The panels of the options about the text, and about what is trained on it."""

CORPUS = typer.Argument(metavar="CORPUS", help="Files, a folder, - for standard input, or a name of `corpora list`.")
"""A list of strings; some verbs can do without."""

Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object on stdout; all else goes to stderr.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder, or its name in runs/.")]
PromptFile = Annotated[str | None, typer.Option(metavar="FILE", help="Read the prompt from a file.")]
Encoding = Annotated[
    str | None, typer.Option(rich_help_panel=TEXT, help="The files' encoding; found from the bytes otherwise.")
]
Documents = Annotated[
    Kind | None,
    typer.Option(metavar="KIND", rich_help_panel=TEXT, help="One document is: files, lines, jsonl, csv or tsv."),
]
TextColumn = Annotated[
    str | None, typer.Option(metavar="NAME", rich_help_panel=TEXT, help="The column or key that holds the text.")
]
SourceSide = Annotated[
    str | None,
    typer.Option(
        "--source",
        metavar="FILE",
        rich_help_panel=TEXT,
        help="Of pairs, the sources: a file, or what their files in CORPUS end in, or their column.",
    ),
]
TargetSide = Annotated[
    str | None,
    typer.Option("--target", metavar="FILE", rich_help_panel=TEXT, help="The same of the targets, line by line."),
]
LabelColumn = Annotated[
    str | None, typer.Option(metavar="NAME", rich_help_panel=TEXT, help="The column or key of the labels (label).")
]
Lowercase = Annotated[
    bool, typer.Option("--lowercase", rich_help_panel=TEXT, help="Read pairs in small letters, and write them so.")
]
CorpusDir = Annotated[
    str | None, typer.Option(metavar="DIR", rich_help_panel=TEXT, help="May already hold a named corpus's file.")
]
VocabSize = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=MODEL, help="Most ids of a word or bpe tokenizer (50,000; 1,000)."),
]
MinCount = Annotated[
    int | None,
    typer.Option(metavar="N", rich_help_panel=MODEL, help="How often train must have a word for it to be known (2)."),
]


def tokenizer_overrides(vocab_size: int | None, min_count: int | None) -> list[str]:
    """The options about the vocabulary that were given, as after `-o`."""
    options = {"vocab_size": vocab_size, "min_count": min_count}
    return [f"tokenizer.{name}={value}" for name, value in options.items() if value is not None]


def text_options(
    encoding: str | None, documents: Kind | None, text_column: str | None, corpus_dir: str | None
) -> dict[str, Any]:
    """The options about the text that were given, as `load_corpus` takes them."""
    options = {"encoding": encoding, "documents": documents, "text_column": text_column, "corpus_dir": corpus_dir}
    return {name: value for name, value in options.items() if value is not None}


def prompt_text(prompt: str, prompt_file: str | None) -> str:
    """The text of `--prompt`, of standard input where it is `-`, or of `--prompt-file`.

    Raises InputError where both were given, and where the file cannot be read.
    """
    if prompt and prompt_file:
        raise InputError("--prompt and --prompt-file were both given. Leave one out.")
    if prompt_file is not None:
        try:
            return Path(prompt_file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not UTF-8"
            raise InputError(
                f"--prompt-file {prompt_file} cannot be read: {reason}. Give a UTF-8 text file."
            ) from error
    return sys.stdin.read() if prompt == "-" else prompt
