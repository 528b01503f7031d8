"""`inkloom vocab`: a vocabulary as a step of its own, which several trainings share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkloom.cli.options import (
    CORPUS,
    CorpusDir,
    Documents,
    Encoding,
    Json,
    MinCount,
    TextColumn,
    VocabSize,
    text_options,
    tokenizer_overrides,
)
from inkloom.cli.terminal import messages, print_json, results
from inkloom.errors import InputError
from inkloom.tokenizers import TOKENIZERS

if TYPE_CHECKING:
    from inkloom.corpus.base import Part
    from inkloom.tokenizers import Tokenizer

FIRST = 12
"""Entries of the vocabulary that are shown."""


def vocab(
    corpus: Annotated[list[str], CORPUS],
    tokenizer: Annotated[str, typer.Option(metavar="NAME", help=f"One of: {', '.join(TOKENIZERS)}.")] = "word",
    vocab_size: VocabSize = None,
    min_count: MinCount = None,
    seq_len: Annotated[
        int | None, typer.Option(min=1, help="Also count the documents that are longer, their end included.")
    ] = None,
    split: Annotated[str, typer.Option(metavar="PERCENTS", help="As the trainings will have it.")] = "90,5,5",
    split_seed: Annotated[int, typer.Option(min=0, help="Of the draw of documents, -o split.seed.")] = 0,
    documents: Documents = None,
    text_column: TextColumn = None,
    encoding: Encoding = None,
    corpus_dir: CorpusDir = None,
    out: Annotated[str, typer.Option(metavar="FILE", help="Where to write it.")] = "vocabulary.json",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    json: Json = False,
) -> None:
    """Build a vocabulary from the train split of a text; `inkloom train --vocab FILE` uses it.

    Examples:

    inkloom vocab captions.txt --documents lines --min-count 3

    inkloom vocab fortunes --tokenizer word --min-count 1 --seq-len 64 --out fortunes.json
    """
    if Path(out).exists() and not overwrite:
        raise InputError(f"{out} is there already. Give another --out, or --overwrite.")
    from inkloom import api
    from inkloom.config import parse_overrides
    from inkloom.corpus import split_corpus
    from inkloom.files import write_json
    from inkloom.tokenizers import configured

    fields = parse_overrides(tokenizer_overrides(vocab_size, min_count), ["tokenizer"])["tokenizer"]
    tokenizer_class, config = configured({"name": tokenizer, **fields})
    text = api.load_corpus(*corpus, **text_options(encoding, documents, text_column, corpus_dir))
    parts = split_corpus(text, split, split_seed)
    fitted = tokenizer_class.fit((piece.text for piece in parts["train"].pieces()), config)
    facts = {
        "file": out,
        "tokenizer": fitted.name,
        "entries": fitted.vocab_size,
        "splits": {name: _facts(fitted, part, seq_len) for name, part in parts.items()},
    }
    write_json(Path(out), fitted.to_json())
    if json:
        print_json(facts)
    else:
        _print(facts, fitted)


def _facts(tokenizer: "Tokenizer", part: "Part", seq_len: int | None) -> dict[str, Any]:
    """How a split reads in a vocabulary."""
    from inkloom.data import encode_part

    encoded = encode_part(tokenizer, part, messages())
    facts: dict[str, Any] = {
        "tokens": encoded.tokens,
        "unknown_tokens": encoded.unknown_tokens,
        "unknown_share": encoded.unknown_tokens / max(encoded.tokens, 1),
    }
    if seq_len is not None and part.documents:
        from inkloom.data.sentences import cut_sentences

        cut = cut_sentences(encoded.ids, tokenizer.end_id, seq_len)
        facts |= {"documents": len(cut.tokens_NS), "long_documents": cut.long}
    return facts


def _print(facts: dict[str, Any], tokenizer: "Tokenizer") -> None:
    from rich.table import Table

    counts_long = any("documents" in split for split in facts["splits"].values())
    table = Table("split", box=None, pad_edge=False, header_style="bold")
    for title in ("tokens", "unknown", "share", *(("documents", "too long") if counts_long else ())):
        table.add_column(title, justify="right")
    for name, split in facts["splits"].items():
        cells = [f"{split['tokens']:,}", f"{split['unknown_tokens']:,}", f"{split['unknown_share']:.2%}"]
        cells += [f"{split[key]:,}" for key in ("documents", "long_documents") if key in split]
        table.add_row(name, *cells)
    results().print(table)
    first = ", ".join(repr(tokenizer.text_of(token)) for token in range(min(FIRST, tokenizer.vocab_size)))
    results().print(f"\n{facts['entries']:,} entries, the first: {first}", markup=False)
    results().print(f"Wrote {facts['file']}. Train with: inkloom train … --vocab {facts['file']}", markup=False)
