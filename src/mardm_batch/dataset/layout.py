"""Names of the files and folders of an output folder that belong to no single pose."""

import shlex
from pathlib import Path
from typing import Final

PROGRESS: Final = "progress"
"""Folder of the records with the progress of each shard."""
DONE: Final = "done"
"""Folder of the ledgers, which say what is known of the finished poses."""
PROBE_PREFIX: Final = "probe-"
"""Begins the names of files that only show whether a folder can be written to."""
RECORDS: Final = ".mardm_batch"
"""Hidden folder in the output folder: locks, progress and, where `paths.temp` is on another disk, staged files."""
STAGING_PREFIX: Final = ".mardm_batch-"
"""Begins the names of staging folders, so that they are never mistaken for the user's."""
LAYOUT_RECORD: Final = f"{RECORDS}/layout.json"
"""Path from the output folder of what says where the files of poses lie; without it they lie flat."""
PROMPTS: Final = "prompts"
"""Folder of prompt lists as they were parsed, in the hidden folder."""
OPEN: Final = "open"
"""Folder of poses that wait for their block, in the hidden folder, and name of the lock of the blocks."""
METADATA: Final = "metadata.jsonl"
CAPTION_CACHE_PREFIX: Final = "captions-"
"""Begins the names of files in `paths.temp` with the embeddings of captions, which a resumed run reads."""
CARD: Final = "README.md"
FAILURES: Final = "failures.jsonl"
REVIEWS: Final = "reviews.jsonl"


def repair_command(output: Path) -> str:
    """The command that sets aside what is damaged or in the way in an output folder."""
    return f"python -m mardm_batch.verify {shlex.quote(str(output))} --repair"
