"""Repair an output folder: damaged and stray files are set aside, so that the next run generates their poses anew."""

from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt
from mardm_batch.verify.audit import REMOVED
from mardm_batch.verify.findings import Expected, Repair, Report


def set_aside(report: Report, store: PoseStore, expected: Expected) -> Repair:
    """Move the files of all problems into a new folder of the hidden records, and rebuild `metadata.jsonl`."""
    removed = store.output / REMOVED
    number = 1 + max((int(path.name) for path in removed.glob("*") if path.name.isdecimal()), default=0)
    paths = dict.fromkeys(path for problem in report.problems for path in problem.files)
    for path in paths:
        target = removed / str(number) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        (store.output / path).rename(target)
    rebuild_metadata(store)
    to_generate = report.counts.damaged
    if expected.captions is not None:
        to_generate = len(store.survey([Prompt(*item) for item in expected.captions.items()]).unfinished)
    return Repair(str(removed / str(number)) if paths else None, len(paths), to_generate)
