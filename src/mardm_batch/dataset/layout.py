"""Names of the files and folders of an output folder that belong to no single pose."""

from typing import Final

RECORDS: Final = ".mardm_batch"
"""Hidden folder in the output folder: locks, progress and, where `paths.temp` is on another disk, staged files."""
STAGING_PREFIX: Final = ".mardm_batch-"
"""Begins the names of staging folders, so that they are never mistaken for the user's."""
METADATA: Final = "metadata.jsonl"
FAILURES: Final = "failures.jsonl"
