"""`errors.jsonl` in a run's folder: every message of level ERROR and above, as one JSON object per line.

The text log has the same messages, with tracebacks, for people. This file is for programs.
"""

import logging
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from mardm_batch.errors import first_line
from mardm_batch.system.files import MAX_LIST_BYTES, read_regular
from mardm_batch.system.json_records import JsonRecord, json_lines, parse_json
from mardm_batch.system.terminal import CONSOLE, printable

ERROR_LOG: Final = "errors.jsonl"
"""Named in conf/hydra/job_logging/mardm_batch.yaml too."""


@dataclass(frozen=True)
class LoggedError(JsonRecord):
    """A log message. `time`: ISO 8601 with the offset from UTC. `exception`: its type and first line."""

    time: str
    level: str
    logger: str
    message: str
    exception: str | None


class RunLogHandler(logging.FileHandler):
    """A log file of a run. Where it cannot grow the terminal says so once, and the run continues."""

    failed = False
    """Whether that was said, of any log file."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # a delayed file that cannot be opened
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not RunLogHandler.failed and isinstance(error, OSError):
            RunLogHandler.failed = True
            folder, reason = Path(self.baseFilename).parent, error.strerror
            text = f"warning: the log in {folder} is not complete: {reason}; poses are made all the same"
            CONSOLE.print(printable(text), markup=False, soft_wrap=True)

    def close(self) -> None:
        with suppress(OSError):  # what could not be written
            super().close()


class ErrorFormatter(logging.Formatter):
    """Formats a log record as a line of `errors.jsonl`."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        logged = LoggedError(
            time=datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds"),
            level=record.levelname,
            logger=record.name,
            message=record.getMessage(),
            exception=None if error is None else f"{type(error).__name__}: {first_line(error)}",
        )
        return json_lines([logged]).decode().rstrip("\n")


def read_error_log(run_folder: Path) -> tuple[Path, list[LoggedError]]:
    """The error log of a run and its entries: none where it is missing. Lines that are no entry are ignored."""
    path = run_folder / ERROR_LOG
    errors = []
    try:
        lines = read_regular(path, MAX_LIST_BYTES).split(b"\n")
    except OSError:
        return path, []
    for line in lines:
        try:
            errors.append(LoggedError.from_json(parse_json(line)))
        except ValueError:
            continue
    return path, errors
