"""The `inkloom` command: its verbs, and how it ends."""

import contextlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

import inkloom
from inkloom.cli import (
    bench,
    caption,
    classify,
    compare,
    corpora,
    demo,
    doctor,
    evaluate,
    explain,
    export,
    generate,
    runs,
    serve,
    train,
    translate,
    vocab,
)
from inkloom.cli.terminal import print_json, say, say_error, show_log
from inkloom.errors import InkloomError, InterruptedByUserError
from inkloom.threads import share_cores

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

app = typer.Typer(
    name="inkloom",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Train, compare, sample from, explain and serve small text generators on your own text and hardware.",
    epilog="Start with: inkloom demo",
)
app.command("train")(train.train)
app.command("generate")(generate.generate)
app.command("translate")(translate.translate)
app.command("caption")(caption.caption)
app.command("classify")(classify.classify)
app.command("evaluate")(evaluate.evaluate)
app.command("explain")(explain.explain)
app.command("compare")(compare.compare)
app.add_typer(corpora.app, name="corpora", help="The texts that have a name, and what a text is like.")
app.add_typer(runs.app, name="runs", help="List, show and remove runs.")
app.command("vocab")(vocab.vocab)
app.command("serve")(serve.serve)
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.command("demo")(demo.demo)


def _version(asked: bool) -> None:
    if asked:
        print(f"inkloom {inkloom.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks.")] = False,
) -> None:
    """Options before the verb; `--debug` is read by `main`, which also takes it behind the verb."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 2 bad input or usage, 1 failed, 130 interrupted."""
    share_cores()
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    sys.exit(run([argument for argument in given if argument != "--debug"], debug=debug))


def run(arguments: list[str], *, debug: bool = False) -> int:
    """Run the command; returns its exit code. Every error is one line on stderr, without a traceback unless `debug`."""
    show_log()
    try:
        code = app(arguments, prog_name="inkloom", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.Exit as end:
        if end.exit_code == EXIT_INTERRUPTED:  # what becomes of Ctrl-C inside a verb
            say("Interrupted.")
        return end.exit_code
    except BrokenPipeError:
        # The reader left (`| head`). Python would complain once more when it closes stdout.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except (KeyboardInterrupt, typer.Abort):
        say("Interrupted.")
        return EXIT_INTERRUPTED
    except InterruptedByUserError as stop:
        say(str(stop))
        return stop.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        message, code = line_about(error, arguments)
        if "--json" in arguments:
            print_json({"error": message})
        if message:
            say_error(message)
        return code


def line_about(error: Exception, arguments: Sequence[str]) -> tuple[str, int]:
    """The line that a user reads about an error, and the exit code."""
    if isinstance(error, InkloomError):
        return str(error), error.exit_code
    if isinstance(error, typer.TyperException):
        message = getattr(error, "format_message", error.__str__)()
        verbs = {verb.name for verb in app.registered_commands} | {group.name for group in app.registered_groups}
        verb = next((f" {argument}" for argument in arguments if argument in verbs), "")
        # Without arguments the help has been printed; there is nothing to add.
        return (f"{message.rstrip('.')}. See `inkloom{verb} --help`." if message else ""), EXIT_USAGE
    if isinstance(error, MemoryError):
        return "Out of memory. Use a smaller --batch-size, --seq-len or model.", EXIT_FAILED
    if isinstance(error, OSError):
        name = f" {error.filename}" if error.filename else ""
        return f"{error.strerror or error}{name}.", EXIT_FAILED
    return f"{type(error).__name__}: {error}. This is a fault in inkloom; --debug shows where.", EXIT_FAILED
