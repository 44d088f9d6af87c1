"""How faithful runs are: the captions with conditions whose poses meet all of them, by group and number of demands."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from mardm_batch.compare.runs import Run
from mardm_batch.compare.tables import MISSING, Cell, Comparison, Row, Section, stands_out
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.library.caption_conditions import CaptionEntry, conditions_beside, read_captions
from mardm_batch.pose.conditions import bundled_conditions
from mardm_batch.prompts.names import max_name_bytes
from mardm_batch.prompts.prompt_list import read_prompts
from mardm_batch.run.saved_settings import read_run_settings
from mardm_batch.system.terminal import printable

TITLE: Final = "Captions met entirely"
MAX_POSES: Final = 2000
"""Of a run that are measured."""


def add_fidelity(comparison: Comparison) -> Comparison:
    """The comparison with a section on fidelity, after that on quality, where a run has captions with conditions."""
    found = [met_by_label(run) for run in comparison.runs]
    labels = sorted({label for each in found for label in each}, key=lambda label: (label != "all", label))
    if not labels:
        return comparison
    rows = tuple(Row(printable(label), tuple(share_cell(each.get(label)) for each in found)) for label in labels)
    sections = list(comparison.sections)
    place = next((number + 1 for number, each in enumerate(sections) if each.title == "Quality"), len(sections))
    sections.insert(place, Section(TITLE, mark_best(rows, comparison.runs)))
    return replace(comparison, sections=tuple(sections))


def met_by_label(run: Run) -> Mapping[str, Sequence[bool]]:
    """By `all`, group and number of demands, of each caption whether its pose meets all of its conditions.

    None of a run that made no poses, or that left some to another run which made them in the same folder.
    """
    made = run.metrics.get("poses_done", 0)
    if made < 1:
        return {}
    try:
        settings = read_run_settings(run.folders[0])
        entries = entries_of(settings.prompts)
        listed = read_prompts(
            settings.prompts, settings.column, settings.names, max_name_bytes(run.output), settings.poses_per_caption
        )
        prompts, store = listed.first(settings.limit), PoseStore(run.output, [NPY])
        if run.incomplete and len(store.survey(prompts).finished) > made:
            return {}
    except (InputError, ValueError, OSError):
        return {}
    met = defaultdict[str, list[bool]](list)
    for prompt in [each for each in prompts if each.number == 1 and each.caption in entries][:MAX_POSES]:
        try:
            document = store.read(prompt.name)
        except OSError:
            continue
        if document is None or document.caption != prompt.caption:
            continue
        entry = entries[prompt.caption]
        is_met = all(each.holds(document.joints[None])[0] for each in entry.conditions)
        for label in ("all", *(entry.labels or (f"{len(entry.conditions)} conditions",))):
            met[label].append(bool(is_met))
    return met


def entries_of(prompts: Path) -> Mapping[str, CaptionEntry]:
    """The captions with conditions: the bundled ones, and those of the file beside the prompt file."""
    bundled = {caption: CaptionEntry(conditions) for caption, conditions in bundled_conditions().items()}
    beside = conditions_beside(prompts)
    return {**bundled, **(read_captions(beside) if beside.exists() else {})}


def share_cell(met: Sequence[bool] | None) -> Cell:
    if not met:
        return Cell(MISSING)
    share = 100 * sum(met) / len(met)
    return Cell(f"{share:.1f} %", share, f"of {len(met):,}")


def mark_best(rows: Sequence[Row], runs: Sequence[Run]) -> tuple[Row, ...]:
    """The rows with their best cells marked: the largest shares of complete runs, unless nearly all have them."""
    marked = []
    for row in rows:
        complete = [cell for cell, run in zip(row.cells, runs, strict=True) if not run.incomplete]
        shares = [(cell.number, cell.text) for cell in complete if cell.number is not None]
        _, best = max(shares, default=(0.0, MISSING))
        found = stands_out(best, [text for _, text in shares])
        cells = (
            replace(cell, best=found and cell.text == best and not run.incomplete)
            for cell, run in zip(row.cells, runs, strict=True)
        )
        marked.append(Row(row.label, tuple(cells)))
    return tuple(marked)
