"""Names of the files and folders of an output folder that belong to no single pose."""

from typing import Final

PROGRESS: Final = "progress"
"""Folder of the records with the progress of each shard."""
PROBE_PREFIX: Final = "probe-"
"""Begins the names of files that only show whether a folder can be written to."""
RECORDS: Final = ".mardm_batch"
"""Hidden folder in the output folder: locks, progress and, where `paths.temp` is on another disk, staged files."""
STAGING_PREFIX: Final = ".mardm_batch-"
"""Begins the names of staging folders, so that they are never mistaken for the user's."""
METADATA: Final = "metadata.jsonl"
CAPTION_CACHE_PREFIX: Final = "captions-"
"""Begins the names of files in `paths.temp` with the embeddings of captions, which a resumed run reads."""
CARD: Final = "README.md"
FAILURES: Final = "failures.jsonl"
REVIEWS: Final = "reviews.jsonl"
