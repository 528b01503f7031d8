"""`inkloom generate`: text from a run."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkloom.cli.copies import print_levels, print_sample
from inkloom.cli.options import Json, PromptFile, RunName, prompt_text
from inkloom.cli.terminal import messages, print_json, results
from inkloom.errors import InputError

if TYPE_CHECKING:
    from inkloom.evaluation.copying import CopyLevel
    from inkloom.generation import Sample
    from inkloom.runs.run import Run

CHOICE = "How tokens are chosen"


def generate(
    run: RunName,
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="What to continue; - reads standard input.")] = "",
    prompt_file: PromptFile = None,
    control: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="What the text is to be like, for a run of `train --control FIELD`."),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens to write (200).")] = None,
    max_words: Annotated[int | None, typer.Option(help="The most words to write.")] = None,
    num_samples: Annotated[int | None, typer.Option(help="How many samples to write (1).")] = None,
    stop: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="End a sample here; may be repeated.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same text.")] = None,
    style_seed: Annotated[
        int | None, typer.Option(help="Fixes the global noise of a GAN, while --seed varies the rest.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(rich_help_panel=CHOICE, help="Below 1 safer, above 1 wilder.")
    ] = None,
    top_k: Annotated[int | None, typer.Option(rich_help_panel=CHOICE, help="Among the K likeliest only.")] = None,
    top_p: Annotated[
        float | None, typer.Option(rich_help_panel=CHOICE, help="Among the likeliest that together reach P.")
    ] = None,
    min_p: Annotated[
        float | None, typer.Option(rich_help_panel=CHOICE, help="None below this share of the likeliest.")
    ] = None,
    repetition_penalty: Annotated[
        float | None, typer.Option(rich_help_panel=CHOICE, help="Above 1 avoids what is there already.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="float32; bfloat16 or int8 are faster and coarser."),
    ] = None,
    greedy: Annotated[bool, typer.Option("--greedy", rich_help_panel=CHOICE, help="Always the likeliest.")] = False,
    beam: Annotated[
        int | None,
        typer.Option(metavar="K", rich_help_panel=CHOICE, help="Search for the likeliest text with K candidates."),
    ] = None,
    stream: Annotated[
        bool | None, typer.Option("--stream/--no-stream", help="Print text as it is written; on in a terminal.")
    ] = None,
    copy_check: Annotated[
        bool, typer.Option("--copy-check", help="Mark what stands word for word in the training text, and say where.")
    ] = False,
    json: Json = False,
) -> None:
    """Continue a prompt with a trained model.

    Examples:

    inkloom generate my-lstm --prompt "Once upon a time" --temperature 0.8

    inkloom generate my-lstm --num-samples 5 --max-words 50 --json

    inkloom generate names-lstm --control Russian
    """
    from inkloom import api

    opened = api.load_language_model(run, "generate")
    if style_seed is not None and opened.config.model["name"] != "gan":
        raise InputError(
            f"--style-seed fixes the global noise of a GAN, and {opened.name} is a {opened.config.model['name']}. "
            "Leave it out."
        )
    given: dict[str, Any] = {
        "control": control,
        "max_tokens": max_tokens,
        "max_words": max_words,
        "num_samples": num_samples,
        "stop": tuple(stop) if stop else None,
        "seed": seed,
        "style_seed": style_seed,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "repetition_penalty": repetition_penalty,
        "greedy": greedy or None,
        "beam": beam,
        "weights": weights,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    text = prompt_text(prompt, prompt_file)
    samples = num_samples or 1
    if copy_check and stream:
        raise InputError(
            "--copy-check looks at a sample when it is whole, and --stream shows it before. Leave one out."
        )
    searches = beam is not None and beam > 1
    if searches and stream:
        raise InputError("--beam knows the text when the search is over, and --stream shows it before. Leave one out.")
    streams = stream if stream is not None else sys.stdout.isatty() and samples == 1 and not copy_check and not searches
    if json or not streams:
        _print_whole(opened, text, settings, copy_check, json)
        return
    if samples > 1:
        raise InputError(f"--stream writes one sample at a time; --num-samples is {samples}. Leave one of them out.")
    sys.stdout.write(text)
    for piece in opened.stream(text, **settings):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")


def _print_whole(opened: "Run", text: str, settings: dict[str, Any], copy_check: bool, json: bool) -> None:
    import time

    _ = opened.model  # loaded before the clock starts
    copies = _Copies(opened) if copy_check else None  # needs the run's text, and says so before any work
    started = time.perf_counter()
    samples = opened.generate(text, **settings)
    rate = sum(sample.tokens for sample in samples) / (time.perf_counter() - started)
    reports = [copies.index.report(sample.text) for sample in samples] if copies else []
    if json:
        found: dict[str, Any] = {"samples": [_facts(sample) for sample in samples]}
        if copies:
            for facts, report in zip(found["samples"], reports, strict=True):
                facts["copy"] = report.as_json()
            found["held_out_copy"] = copies.held_out_level(samples).as_json()
        print_json({**found, "tokens_per_second": round(rate, 1)})
        return
    for number, sample in enumerate(samples, start=1):
        if len(samples) > 1:
            results().rule(f"sample {number}", align="left")
        if copies:
            print_sample(text, sample.text, reports[number - 1], copies.train.documents)
        else:
            sys.stdout.write(f"{text}{sample.text}\n")
            sys.stdout.flush()
    if copies:
        print_levels([report.level for report in reports], copies.held_out_level(samples))
    messages().print(f"{rate:,.0f} tokens/s", style="dim")


class _Copies:
    """The training text of a run, ready to be searched."""

    def __init__(self, opened: "Run") -> None:
        from inkloom.evaluation.copying import CopyIndex

        parts = opened.parts()
        self.train = parts["train"]
        self.held_out = parts.get("test", parts["val"])
        self.index = CopyIndex(self.train)

    def held_out_level(self, samples: "Sequence[Sample]") -> "CopyLevel":
        """What held-out text as long as the samples has from train."""
        from inkloom.evaluation.copying import held_out_level

        return held_out_level(self.index, self.held_out, max(1, *(len(sample.text) for sample in samples)))


def _facts(sample: "Sample") -> dict[str, Any]:
    return {
        "text": sample.text,
        "tokens": sample.tokens,
        "finish_reason": sample.finish_reason,
        "logprob": sample.logprob,
    }
