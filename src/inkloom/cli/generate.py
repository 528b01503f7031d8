"""`inkloom generate`: text from a run."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from inkloom.cli.options import Json, RunName
from inkloom.cli.terminal import messages, print_json, results
from inkloom.errors import InputError

CHOICE = "How tokens are chosen"


def generate(
    run: RunName,
    prompt: Annotated[str, typer.Option(metavar="TEXT", help="What to continue; - reads standard input.")] = "",
    prompt_file: Annotated[str | None, typer.Option(metavar="FILE", help="Read the prompt from a file.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="The most tokens to write (200).")] = None,
    num_samples: Annotated[int | None, typer.Option(help="How many samples to write (1).")] = None,
    stop: Annotated[list[str] | None, typer.Option(metavar="TEXT", help="End a sample here; may be repeated.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same text.")] = None,
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
    greedy: Annotated[bool, typer.Option("--greedy", rich_help_panel=CHOICE, help="Always the likeliest.")] = False,
    stream: Annotated[
        bool | None, typer.Option("--stream/--no-stream", help="Print text as it is written; on in a terminal.")
    ] = None,
    json: Json = False,
) -> None:
    """Continue a prompt with a trained model.

    Examples:

    inkloom generate my-lstm --prompt "Once upon a time" --temperature 0.8

    inkloom generate my-lstm --num-samples 5 --max-tokens 100 --json
    """
    from inkloom import api

    opened = api.load_run(run)
    given: dict[str, Any] = {
        "max_tokens": max_tokens,
        "num_samples": num_samples,
        "stop": tuple(stop) if stop else None,
        "seed": seed,
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "min_p": min_p,
        "repetition_penalty": repetition_penalty,
        "greedy": greedy or None,
    }
    settings = {name: value for name, value in given.items() if value is not None}
    text = _prompt(prompt, prompt_file)
    samples = num_samples or 1
    streams = stream if stream is not None else sys.stdout.isatty() and samples == 1
    if json or not streams:
        _print_whole(opened, text, settings, json)
        return
    if samples > 1:
        raise InputError(f"--stream writes one sample at a time; --num-samples is {samples}. Leave one of them out.")
    sys.stdout.write(text)
    for piece in opened.stream(text, **settings):
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")


def _print_whole(opened: Any, text: str, settings: dict[str, Any], json: bool) -> None:
    import time

    _ = opened.model  # loaded before the clock starts
    started = time.perf_counter()
    samples = opened.generate(text, **settings)
    rate = sum(sample.tokens for sample in samples) / (time.perf_counter() - started)
    if json:
        print_json(
            {
                "samples": [
                    {
                        "text": sample.text,
                        "tokens": sample.tokens,
                        "finish_reason": sample.finish_reason,
                        "logprob": sample.logprob,
                    }
                    for sample in samples
                ],
                "tokens_per_second": round(rate, 1),
            }
        )
        return
    for number, sample in enumerate(samples, start=1):
        if len(samples) > 1:
            results().rule(f"sample {number}", align="left")
        sys.stdout.write(f"{text}{sample.text}\n")
        sys.stdout.flush()
    messages().print(f"{rate:,.0f} tokens/s", style="dim")


def _prompt(prompt: str, prompt_file: str | None) -> str:
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
    if prompt == "-":
        return sys.stdin.read()
    return prompt
