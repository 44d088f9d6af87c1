"""The ledger: what runs know of the poses that are in place, so that nobody reads every JSON to learn it again.

`OUTPUT/.mardm_batch/done/SHARD.jsonl` has a line for each pose that a run wrote or read, appended after the pose's
JSON is in place by the process that holds the shard's lock. It is a cache: a line counts only while the JSON has the
size and the time of change that it names, and what is missing, torn or outdated is learned from the JSON instead.
"""

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from mardm_batch.dataset.layout import DONE, RECORDS
from mardm_batch.dataset.records import Changed, Finished
from mardm_batch.system.files import open_for_appending, open_regular
from mardm_batch.system.garbage import no_garbage_search

MAX_LEDGER_BYTES: Final = 2**33
CHUNK_BYTES: Final = 2**20
LINES_BEFORE_APPENDING: Final = 500
"""Of poses that were written since; those that a killed run did not append are read from their JSON."""
STALE_SHARE: Final = 2
"""Lines for each pose from which on a ledger is written anew."""
DIGEST_BYTES: Final = 8
FIELDS_OF_LINE: Final = 6


class Row(NamedTuple):
    """What is known of a pose while its JSON is unchanged.

    `key`: digest of its caption and number. `settings`: index of those that it was made with, in `Ledger.settings`.
    """

    changed: Changed
    key: int
    settings: int
    unknown_words: bool


class Ledger:
    """The ledgers of an output folder, as far as they were read, and what this process learned since."""

    def __init__(self, output: Path) -> None:
        self.folder = output / RECORDS / DONE
        self.rows: dict[str, Row] = {}
        self.settings: list[Mapping[str, Any]] = []
        """The different settings of poses; there are few."""
        self.places: dict[str, int] = {}
        """Places in `settings` by digest."""
        self.owner: str | None = None
        """The shard whose lock this process holds, and to whose ledger it appends."""
        self.own_lines = self.own_poses = 0
        self.listed: set[str] = set()
        """Digests of the settings that the own ledger has."""
        self.unsaved: list[str] = []
        self.has_read_all = False

    @no_garbage_search()
    def read_own(self, owner: str) -> None:
        """Read the ledger of the shard whose lock the caller holds; `append` writes to it from now on."""
        self.owner = owner
        before = len(self.rows)
        for line in read_lines(self.own_path):
            self.own_lines += 1
            self.take(line, None)
        self.own_poses = len(self.rows) - before
        self.listed = set(self.places)

    @no_garbage_search()
    def read_others(self, names: Collection[str]) -> None:
        """Read what the other ledgers have about the poses of these names. A process with no shard of its own reads
        all that there is, once."""
        if self.has_read_all:
            return
        self.has_read_all = self.owner is None
        with suppress(OSError):
            for path in sorted(self.folder.glob("*.jsonl")):
                if self.owner is None or path != self.own_path:
                    for line in read_lines(path):
                        self.take(line, None if self.owner is None else names)

    @property
    def own_path(self) -> Path:
        return self.folder / f"{self.owner}.jsonl"

    def take(self, line: Any, names: Collection[str] | None) -> None:
        """Take over a line; one that is none is passed over. `names`: of the poses that count; None: all."""
        if isinstance(line, dict):
            settings = line.get("settings")
            if isinstance(settings, dict):
                self.place_of(settings)
        elif type(line) is list and len(line) == FIELDS_OF_LINE:
            name, changed, size, key, digest, unknown_words = line
            if type(name) is type(digest) is str and (names is None or name in names):
                place = self.places.get(digest)
                if place is not None:
                    self.rows[name] = Row((changed, size), key, place, unknown_words is True)

    def place_of(self, settings: Mapping[str, Any]) -> int:
        """The place of settings in the list of them, to which new ones are added."""
        text = json.dumps(settings, sort_keys=True)
        digest = hashlib.blake2b(text.encode(errors="replace"), digest_size=DIGEST_BYTES).hexdigest()
        if digest not in self.places:
            self.places[digest] = len(self.settings)
            self.settings.append(json.loads(text))
        return self.places[digest]

    def learn(self, pose: Finished) -> Row:
        """Note a pose that is in place; it is appended with the others of its kind."""
        row = Row(pose.changed, pose.key, self.place_of(pose.settings), pose.unknown_words)
        self.own_poses += pose.name not in self.rows
        self.rows[pose.name] = row
        if self.owner is not None:
            self.unsaved.append(pose.name)
            if len(self.unsaved) >= LINES_BEFORE_APPENDING:
                self.append()
        return row

    def append(self) -> None:
        """Append what this process learned to its ledger. A ledger that cannot be written is one that is not there."""
        if self.owner is None or not self.unsaved or self.folder.is_symlink():
            return
        digests = {place: digest for digest, place in self.places.items()}
        lines = [
            {"settings": self.settings[self.places[digest]]} for digest in self.places if digest not in self.listed
        ]
        names, self.unsaved = dict.fromkeys(self.unsaved), []
        rows = [line_of(name, self.rows[name], digests) for name in names]
        content = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in [*lines, *rows])
        with suppress(OSError):
            self.folder.mkdir(exist_ok=True)
            with open_for_appending(self.own_path) as file:
                if file.seek(0, os.SEEK_END):
                    content = "\n" + content  # a process may have been killed while it wrote the last line
                left = content.encode(errors="replace")
                while left:
                    left = left[file.write(left) :]
            self.listed.update(self.places)
            self.own_lines += len(rows)

    def close(self) -> None:
        """Append what is left, and write the ledger anew where most of its lines are outdated."""
        self.append()
        if self.owner is None or self.own_lines <= STALE_SHARE * self.own_poses + LINES_BEFORE_APPENDING:
            return
        own = Ledger(self.folder.parent.parent)
        own.read_own(self.owner)
        own.unsaved, own.listed = list(own.rows), set()
        with suppress(OSError):
            own.own_path.unlink()
        own.append()


def line_of(name: str, row: Row, digests: Mapping[int, str]) -> list[Any]:
    return [name, *row.changed, row.key, digests[row.settings], row.unknown_words]


def read_lines(path: Path) -> Iterator[Any]:
    """The JSON values of a ledger's lines; those that are none are passed over."""
    with suppress(OSError), open_regular(path, MAX_LEDGER_BYTES) as file:
        for lines in line_chunks(file):
            try:
                yield from json.loads(b"[" + b",".join(filter(None, lines)) + b"]")
            except (ValueError, RecursionError):
                for line in lines:
                    with suppress(ValueError, RecursionError):
                        yield json.loads(line)


def line_chunks(file: BinaryIO) -> Iterator[list[bytes]]:
    """The lines of a ledger, many at once. Of what is too long to be a line of ours only the end is among them."""
    rest = b""
    while chunk := file.read(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        rest = rest if len(rest) <= CHUNK_BYTES else b""
        yield lines
    yield [rest]


def pose_key(caption: str, number: int) -> int:
    """Stands for the caption and number of a pose."""
    text = f"{number} {caption}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest())
