"""The exceptions that users meet, the exit codes, and the first line of somebody else's exception.

Every message is one line: where, what, and what to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """How every command ends; a run that a signal interrupted ends with 128 + the signal's number."""

    ALL_FINISHED = 0
    SOME_FAILED = 1
    BAD_INPUT = 2
    CRASHED = 3
    HANGUP = 129
    INTERRUPTED = 130
    TERMINATED = 143


SIGNAL_CODES: Final = (ExitCode.HANGUP, ExitCode.INTERRUPTED, ExitCode.TERMINATED)
"""Of runs that a signal interrupted."""


class MardmBatchError(Exception):
    """Base of all errors that are reported as one line, without a traceback."""


class ConfigurationError(MardmBatchError):
    """A setting is mistyped, unknown or out of range (exit code 2)."""


class InputError(MardmBatchError):
    """A file the user named cannot be used: prompts, checkpoints, output folder (exit code 2)."""


def first_line(error: BaseException) -> str:
    """The first line of an exception's text, or its type where it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(". ")


def reason_of(error: Exception) -> str:
    """Why a file that is named anyway cannot be used: an OSError without its number and path, else the first line."""
    return isinstance(error, OSError) and error.strerror or first_line(error)


@contextmanager
def naming(setting: str) -> Iterator[None]:
    """Put the setting that an error is about before its message: "model.weights=" + "FILE: no such file"."""
    try:
        yield
    except MardmBatchError as error:
        raise type(error)(f"{setting}{error}") from error
