"""What all commands share: how a mistake of the user ends them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from mardm_batch.errors import ExitCode, InputError, MardmBatchError


@contextmanager
def report_user_errors() -> Iterator[None]:
    """Bad settings, and folders that cannot be made, end the command with one line and its exit code."""
    try:
        yield
    except MardmBatchError as error:
        exit_with_error(error)
    except OSError as error:
        exit_with_error(InputError(f"{error.filename}: {error.strerror}"))
    except KeyboardInterrupt:
        sys.exit(ExitCode.INTERRUPTED)


def exit_with_error(error: MardmBatchError) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(ExitCode.BAD_INPUT)
