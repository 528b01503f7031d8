"""The errors that users meet: one line that says what was got, what is accepted and what to do."""

import difflib
from collections.abc import Iterable


class InkloomError(Exception):
    """Something failed at work. The message is one line for the user; `exit_code` is the process's."""

    exit_code = 1


class InputError(InkloomError):
    """Bad input or usage: found before any work starts."""

    exit_code = 2


class InterruptedByUserError(InkloomError):
    """The user stopped the work. The message says what was saved and how to go on."""

    exit_code = 130


def unknown_name(kind: str, got: str, known: Iterable[str]) -> InputError:
    """The error for a name that is none of `known`: lists them, the nearest first where one is near."""
    names = sorted(known)
    near = difflib.get_close_matches(got.lower().replace("-", "_"), names, n=1, cutoff=0.6)
    hint = f"Did you mean {near[0]}? " if near else ""
    return InputError(f"{got!r} is no {kind}. {hint}Known: {', '.join(names) or 'none'}.")
