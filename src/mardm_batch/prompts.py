"""Read prompt files and give every caption the file name of its pose."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Prompt:
    """One pose that is asked for: `name` is the stem of its files, `caption` the text exactly as written."""

    name: str
    caption: str
