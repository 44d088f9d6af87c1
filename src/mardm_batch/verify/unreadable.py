"""Missing poses that no run can make, as the model knows no word of their captions. The model itself is not loaded."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mardm_batch.dataset.progress import Progress
from mardm_batch.errors import InputError
from mardm_batch.language.rewriting import CaptionReader
from mardm_batch.language.words import has_known_word
from mardm_batch.model.embedded_file import read_vocabulary
from mardm_batch.run.saved_settings import read_embedded_model
from mardm_batch.sampling.vocabulary import NO_KNOWN_WORD, STAGE
from mardm_batch.verify.findings import Finding, Kind

UNREADABLE_CAPTION: Final = f"{STAGE}: {NO_KNOWN_WORD}"
"""The detail of a pose that failed as the model knows no word of its caption."""


def unreadable_names(problems: Sequence[Finding], shards: Sequence[Progress]) -> frozenset[str]:
    """The names of the missing poses that failed for their words, or would by the model of the newest run."""
    failed = {each.where for each in problems if each.kind == Kind.FAILED and each.detail == UNREADABLE_CAPTION}
    missing = [each for each in problems if each.kind == Kind.MISSING_POSE and each.where not in failed]
    newest = max(shards, key=lambda shard: shard.started, default=None)
    if missing and newest is not None:
        is_readable = caption_check(Path(newest.run_folder))
        failed.update(each.where for each in missing if not is_readable(each.detail))
    return frozenset(failed)


def caption_check(run_folder: Path) -> Callable[[str], bool]:
    """Whether the model of a run knows a word of a caption; of other models than the embedded one, and where its file
    or the run's settings cannot be read, it is taken to."""
    try:
        model = read_embedded_model(run_folder)
        vocabulary = () if model is None else read_vocabulary(model[0])
    except (InputError, ValueError):
        return lambda _: True
    if model is None:
        return lambda _: True
    stems, reader = frozenset(vocabulary), CaptionReader(vocabulary) if model[1] else None

    def is_readable(caption: str) -> bool:
        if has_known_word(caption, stems):
            return True
        return reader is not None and has_known_word(reader.rewrite(caption).text, stems)

    return is_readable
