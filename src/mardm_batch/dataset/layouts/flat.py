"""All files side by side in the output folder: NAME.png, NAME.npy, NAME.json."""

from collections.abc import Iterator
from typing import ClassVar

from mardm_batch.dataset.layouts.layout import Layout


class FlatLayout(Layout):
    """See the module."""

    NAME: ClassVar[str] = "flat"

    def place(self, name: str, suffix: str) -> str:
        """See `Layout.place`."""
        return name + suffix

    def folders(self) -> Iterator[str]:
        """See `Layout.folders`."""
        yield ""
