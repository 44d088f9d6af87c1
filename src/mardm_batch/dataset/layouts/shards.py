"""Poses in blocks: tars of 1,000 for WebDataset, `shard-0-of-3-00000.tar`, and a Parquet file beside each.

Writers put poses side by side into a hidden folder; when there are enough of them for a block, the process that holds
the shard's lock packs them. A run that was killed leaves them there, and the next one packs them first: nothing that
was written is made again.
"""

import os
import re
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Final

from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.layout import OPEN, RECORDS
from mardm_batch.dataset.layouts.block import (
    PARQUET,
    POSES_PER_BLOCK,
    TAR,
    Block,
    Place,
    read_block,
    read_members,
    remove_block,
    require_pyarrow,
    write_block,
    write_table,
)
from mardm_batch.dataset.layouts.flat import FlatLayout
from mardm_batch.dataset.layouts.layout import Layout, PoseFile
from mardm_batch.dataset.leftovers import is_locked
from mardm_batch.dataset.locks import list_lock
from mardm_batch.dataset.records import Changed, Finished
from mardm_batch.system.files import unless_circular

BLOCK_NAME: Final = re.compile(r"(?P<owner>all|shard-\d+-of-\d+)-(?P<number>\d{5,})")


class ShardsLayout(Layout):
    """See the module."""

    NAME: ClassVar[str] = "shards"
    HAS_FILES: ClassVar[bool] = False

    def __init__(self, output: Path) -> None:
        super().__init__(output)
        self.blocks: dict[str, Block] = {}
        self.places: dict[str, Place] = {}
        self.has_looked = False
        self.owner = "all"
        self.open_poses: list[Finished] = []
        """Poses that wait in the hidden folder for their block."""

    def __getstate__(self) -> dict[str, object]:
        """For other processes, which look for themselves if they have to."""
        return {**vars(self), "blocks": {}, "places": {}, "open_poses": [], "has_looked": False}

    # Looking -----------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """See `Layout.look`: read the blocks that are new or have changed."""
        found = {}
        with os.scandir(self.output) as entries:
            for entry in entries:
                name = entry.name.removesuffix(TAR)
                if name != entry.name and BLOCK_NAME.fullmatch(name) and unless_circular(entry.is_file):
                    status = entry.stat()
                    found[name] = (status.st_mtime_ns, status.st_size)
        if {name: block.changed for name, block in self.blocks.items()} != found:
            self.blocks = {
                name: self.blocks[name] if self.is_current(name, changed) else read_block(self.output, name, changed)
                for name, changed in sorted(found.items())
            }
            self.places = {pose: place for block in self.blocks.values() for pose, place in block.poses.items()}
        self.has_looked = True  # last: threads share this

    def is_current(self, name: str, changed: Changed) -> bool:
        return name in self.blocks and self.blocks[name].changed == changed

    def place(self, name: str, suffix: str) -> str:
        """See `Layout.place`."""
        place = self.places.get(name)
        return f"*{TAR}/{name}{suffix}" if place is None else f"{place.block}{TAR}/{name}{suffix}"

    def obstacles(self) -> Iterator[str]:
        """See `Layout.obstacles`."""
        waiting = f"{RECORDS}/{OPEN}"
        if os.path.lexists(self.output / waiting) and not os.path.isdir(self.output / waiting):
            yield waiting
        yield from (f"{waiting}/{each.name}" for each in (self.output / waiting).glob("*") if not each.is_dir())
        with os.scandir(self.output) as entries:
            for entry in entries:
                name, dot, suffix = entry.name.partition(".")
                if dot + suffix in (TAR, PARQUET) and BLOCK_NAME.fullmatch(name) and not os.path.isfile(entry.path):
                    yield entry.name

    def broken_tables(self) -> Iterator[str]:
        """See `Layout.broken_tables`."""
        yield from (f"{block.name}{PARQUET}" for block in self.blocks.values() if not block.has_table)

    def files_of(self, name: str, suffixes: Collection[str]) -> tuple[str, ...]:
        """See `Layout.files_of`: the whole block."""
        place = self.places.get(name)
        return () if place is None else (f"{place.block}{TAR}", f"{place.block}{PARQUET}")

    def own_files(self) -> frozenset[str]:
        """See `Layout.own_files`."""
        return frozenset(f"{block}{suffix}" for block in self.blocks for suffix in (TAR, PARQUET))

    def changed(self, name: str, suffix: str) -> Changed | None:
        """See `Layout.changed`: that of the pose's block."""
        place = self.places.get(name)
        return None if place is None or suffix not in place.suffixes else self.blocks[place.block].changed

    def read(self, name: str, suffix: str) -> bytes:
        """See `Layout.read`."""
        if not self.has_looked:
            self.look()
        place = self.places.get(name)
        if place is not None and suffix in place.suffixes:
            for found, content in read_members(self.output, place):
                if found == suffix:
                    return content
        raise FileNotFoundError(self.place(name, suffix))

    def folders(self) -> Iterator[str]:
        """See `Layout.folders`: no file of a pose lies in any."""
        yield ""

    def files(self) -> Iterator[PoseFile]:
        """See `Layout.files`."""
        self.look()
        for name, place in self.places.items():
            for suffix in place.suffixes:
                yield PoseFile(name, suffix, self.place(name, suffix))

    def poses(self) -> dict[str, frozenset[str]]:
        """See `Layout.poses`."""
        self.look()
        return {name: place.suffixes for name, place in self.places.items() if JSON.suffix in place.suffixes}

    def view_suffixes(self) -> frozenset[str]:
        """See `Layout.view_suffixes`: the hidden folder, into which poses are written, has none."""
        return frozenset()

    @contextmanager
    def at_hand(self, names: Sequence[str]) -> Iterator[Layout]:
        """See `Layout.at_hand`: the files are unpacked into a temporary folder."""
        if not self.has_looked:
            self.look()
        with tempfile.TemporaryDirectory(prefix="mardm-batch-") as folder:
            near = FlatLayout(Path(folder))
            for name in names:
                with suppress(OSError, KeyError):  # what cannot be read is missing there
                    for suffix, content in read_members(self.output, self.places[name]):
                        near.path(name, suffix).write_bytes(content)
            yield near

    # Writing -----------------------------------------------------------------------------------------------------

    @property
    def landing(self) -> Layout:
        """See `Layout.landing`: the hidden folder of the shard."""
        return FlatLayout(self.output / RECORDS / OPEN / self.owner)

    def prepare(self) -> None:
        """See `Layout.prepare`."""
        require_pyarrow("output.layout=shards")

    def start(self, owner: str, suffixes: Collection[str]) -> None:
        """See `Layout.start`: what killed runs left in the hidden folders is packed."""
        self.owner = owner
        folder = self.output / RECORDS / OPEN
        folder.mkdir(exist_ok=True)
        needed = {JSON.suffix, *suffixes}
        for left in sorted(each for each in folder.iterdir() if each.is_dir()):
            if left.name == owner or not is_locked(folder.parent / f"{left.name}.lock"):
                poses = {name: has for name, has in FlatLayout(left).poses().items() if needed <= has}
                for start in range(0, len(poses), POSES_PER_BLOCK):
                    self.pack(FlatLayout(left), dict(list(poses.items())[start : start + POSES_PER_BLOCK]))
                shutil.rmtree(left, ignore_errors=True)
        self.landing.output.mkdir(exist_ok=True)
        with list_lock(self.output, OPEN):
            self.look()
            for block in [each for each in self.blocks.values() if not each.has_table]:
                self.mend(block)

    def settle(self, pose: Finished) -> list[Finished]:
        """See `Layout.settle`: a thousand at once."""
        self.open_poses.append(pose)
        return self.flush() if len(self.open_poses) >= POSES_PER_BLOCK else []

    def flush(self) -> list[Finished]:
        """See `Layout.flush`: pack the poses that wait."""
        if not self.open_poses:
            return []
        landed = self.landing.poses()
        names = dict.fromkeys(each.name for each in self.open_poses if each.name in landed)
        self.pack(self.landing, {name: landed[name] for name in names})
        settled, self.open_poses = self.open_poses, []
        return [
            replace(each, changed=self.blocks[self.places[each.name].block].changed)
            for each in settled
            if each.name in names
        ]

    def pack(self, source: Layout, poses: Mapping[str, frozenset[str]]) -> None:
        """Put poses of the hidden folder into a new block; earlier ones of these names go. Raises OSError."""
        contents = {
            name: {suffix: source.read(name, suffix) for suffix in suffixes} for name, suffixes in poses.items()
        }
        with list_lock(self.output, OPEN):
            self.look()
            self.take_out(poses)
            name = self.next_name()
            write_block(self.output, name, contents)
            self.look()
        for pose, suffixes in poses.items():
            for suffix in (JSON.suffix, *suffixes):
                source.path(pose, suffix).unlink(missing_ok=True)

    def next_name(self) -> str:
        matches = (BLOCK_NAME.fullmatch(name) for name in self.blocks)
        numbers = [int(match["number"]) for match in matches if match is not None and match["owner"] == self.owner]
        return f"{self.owner}-{max(numbers, default=-1) + 1:05d}"

    def remove(self, names: Collection[str]) -> None:
        """See `Layout.remove`."""
        with list_lock(self.output, OPEN):
            self.look()
            self.take_out(names)

    def take_out(self, names: Collection[str]) -> None:
        """Write the blocks that hold poses of these names anew without them; for the holder of the lock."""
        gone: defaultdict[str, set[str]] = defaultdict(set)
        for name in names:
            if name in self.places:
                gone[self.places[name].block].add(name)
        for block, poses in gone.items():
            kept = [name for name in self.blocks[block].poses if name not in poses]
            if kept:
                contents = {name: dict(read_members(self.output, self.places[name])) for name in kept}
                write_block(self.output, block, contents)
            else:
                remove_block(self.output, block)
        self.look()

    def mend(self, block: Block) -> None:
        """Make the Parquet file of a block anew from its tar; for the holder of the lock."""
        rows = {
            name: (self.read(name, JSON.suffix), place.offset, sorted(place.suffixes))
            for name, place in block.poses.items()
        }
        with suppress(ValueError):  # a JSON is damaged, which the audit tells
            write_table(self.output / f"{block.name}{PARQUET}", rows, block.changed[1])
            self.blocks[block.name] = replace(block, has_table=True)
