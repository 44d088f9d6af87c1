"""What lay in an output folder at a moment: a run that changes nothing looks at each pose once.

Whether it still lies there so is told by the times of the folders, which change as files get or lose their names in
them. Only a file that is written to in its place, without another name, is not noticed, for as long as the run takes.
"""

import os
from typing import Final

from mardm_batch.dataset.clocks import file_system_time
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.layouts.layout import Layout
from mardm_batch.dataset.records import Changed

SECOND_NS: Final = 10**9
SETTLED_NS: Final = SECOND_NS // 5
"""Age of a folder from which on its next change gives it another time; clocks of file systems tick more often."""
SETTLED_BY_SECONDS_NS: Final = 3 * SECOND_NS
"""The same where a file system may know whole seconds only."""


class Snapshot:
    """The poses of a layout of files, as they lay when it was made. Raises OSError where a folder cannot be read."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.times = self.folder_times()
        now = round(file_system_time(layout.output / RECORDS) * SECOND_NS)
        self.is_settled = all(now - each > age_when_settled(each) for each in self.times.values())
        self.suffixes = layout.poses()
        """By name of each pose of which there is a JSON, the suffixes of its files."""
        self.changed: dict[str, Changed] = {}
        """By name the version of the JSON, where that can be told."""
        for name in self.suffixes:
            try:
                changed = layout.changed(name, JSON.suffix)
            except OSError:
                continue
            if changed is not None:
                self.changed[name] = changed

    def folder_times(self) -> dict[str, int]:
        """When the folders of the poses were changed, in nanoseconds. Raises OSError."""
        folders = {"", *self.layout.folders()}
        return {folder: os.stat(self.layout.output / folder).st_mtime_ns for folder in folders}

    def is_current(self) -> bool:
        """Whether all still lies so. Raises OSError."""
        return self.is_settled and self.folder_times() == self.times


def age_when_settled(changed: int) -> int:
    return SETTLED_NS if changed % SECOND_NS else SETTLED_BY_SECONDS_NS
