"""Shared by all commands: the parser of arguments, the list of commands, and one line for a user's mistake."""

import argparse
import ast
import difflib
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import mardm_batch
from mardm_batch.errors import ExitCode, InputError, MardmBatchError, first_line
from mardm_batch.system.early_signals import INTERRUPTED
from mardm_batch.system.help_text import HelpFormatter
from mardm_batch.system.signals import Interrupted, interruption_behind, raise_on_signals
from mardm_batch.system.terminal import flush_output, print_output, printable

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

FRACTIONAL_TYPES = ("float", "interval_seconds")
"""Names of the types of arguments that are no whole numbers."""


class CommandParser(argparse.ArgumentParser):
    """A parser whose refusals are one line and printable, whatever the arguments hold."""

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        """See `ArgumentParser.print_help`, which is silent about a standard output that is full."""
        if file is None:
            print_output(self.format_help().removesuffix("\n"))
        else:
            super().print_help(file)

    def error(self, message: str) -> NoReturn:
        """See `ArgumentParser.error`."""
        if choice := re.search(r"invalid choice: '(.+)' \(choose from (.+)\)", message):
            near = difflib.get_close_matches(choice[1], re.findall(r"[^', ]+", choice[2]), n=1)
            message += "".join(f"; did you mean {each}?" for each in near)
        if value := re.search(r"invalid (\w+) value: '(.*)'", message):
            kind = "a number" if value[1] in FRACTIONAL_TYPES else "a whole number"
            message = message.replace(value[0], f"must be {kind}, not {value[2]}")
        files = dict.fromkeys(f"./{word}" for word in sys.argv[1:] if word.startswith("-") and Path(word).exists())
        if files:
            names = "the folder or file of that name" if len(files) == 1 else "the folders or files of these names"
            message += f"; write {' and '.join(files)} for {names}"
        print(printable(f"error: {message}; {self.prog} --help lists the arguments"), file=sys.stderr)
        sys.exit(ExitCode.BAD_INPUT)


def command_parser(name: str, description: str | None, epilog: str = "") -> argparse.ArgumentParser:
    """The parser of `python -m mardm_batch.NAME`.

    Args:
        description: the module's docstring, of which the first line is shown.
        epilog: examples and exit codes; see `wrap_help`.
    """
    return CommandParser(
        prog=f"python -m mardm_batch.{name}",
        description=(description or "").partition("\n")[0],
        epilog=epilog,
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )


def command_summaries() -> dict[str, str]:
    """The names of the commands `python -m mardm_batch.NAME`, each with the first line of its docstring.

    A command is a package with a `__main__.py`, or a module that ends with a call of its main function.
    """
    package = Path(mardm_batch.__file__).parent
    modules = {path.parent.name: path for path in package.glob("*/__main__.py")}
    modules |= {path.stem: path for path in package.glob("*.py") if path.stem != "__main__"}
    sources = {name: path.read_text(encoding="utf-8") for name, path in sorted(modules.items())}
    return {
        name: (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
        for name, source in sources.items()
        if '\nif __name__ == "__main__":\n' in source
    }


def run_main(main: Callable[[], int | None]) -> NoReturn:
    """End the process with the exit code of a command's main function, or with one line where a signal interrupts it
    or its standard output is full.

    Raises:
        SystemExit: with the exit code; 128 + the signal's number where one came; see `flush_output`.
    """
    try:
        with raise_on_signals():
            code = main()
            flush_output()
    except Interrupted as interruption:
        print(INTERRUPTED, file=sys.stderr)
        code = interruption.exit_code
    sys.exit(code)


@contextmanager
def report_user_errors() -> Iterator[None]:
    """End the command with one line and its exit code on an error of the user or the file system, Ctrl-C or a crash.

    Raises:
        SystemExit: 2 for a MardmBatchError or an OSError, 130 for Ctrl-C, 3 after the traceback of any other exception.
    """
    try:
        yield
    except MardmBatchError as error:
        exit_with_error(error)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        exit_with_error(InputError(reason if error.filename is None else f"{error.filename}: {reason}"))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)
    except Exception as error:
        if (interruption := interruption_behind(error)) is not None:
            raise interruption from None
        traceback.print_exc()
        print(f"error: the command crashed: {type(error).__name__}: {first_line(error)}", file=sys.stderr)
        sys.exit(ExitCode.CRASHED)


def exit_with_error(error: MardmBatchError) -> NoReturn:
    print(printable(f"error: {error}"), file=sys.stderr)
    sys.exit(ExitCode.BAD_INPUT)
