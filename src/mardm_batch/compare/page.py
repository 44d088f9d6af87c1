"""The HTML page of a comparison: one file that loads nothing, without JavaScript, light or dark as the reader prefers.

A picture that is clicked is the target of a link, by which the style sheet shows it large.

Captions, names, paths, errors and settings come from outside; the template `comparison.html.jinja` escapes all text.
"""

import base64
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mardm_batch.compare.curves import AXES, HEIGHT, WIDTH, curve_rows
from mardm_batch.compare.runs import Run, Sample
from mardm_batch.compare.tables import Cell, Comparison, Row, Section, format_number, metric_label
from mardm_batch.dataset.formats.format import DamagedFileError
from mardm_batch.dataset.formats.npy_file import NPY, map_npy
from mardm_batch.dataset.formats.png_file import PNG, load_picture
from mardm_batch.errors import InputError
from mardm_batch.pages.page import Page
from mardm_batch.pose.geometry import lowest_joint_height
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.system.files import write_atomically
from mardm_batch.system.terminal import printable

FOLDER = Path(__file__).parent
PAGE = Page(
    FOLDER / "comparison.html.jinja",
    (FOLDER / "comparison.css",),
    filters={"metric_label": metric_label, "number": format_number},
)
MAX_CAPTIONS = 24
PICTURE_SIZE = 720
"""Pixels of the pictures, which the page shows reduced until they are clicked."""
PICTURE_QUALITY = 80
MEASURE_TOLERANCE = 1e-6
"""Centimetres by which a measure of the pose on disk may differ from the recorded one."""


@dataclass(frozen=True)
class Bar:
    """A bar below a number: where it starts and how long it is, in per cent of the cell's width."""

    start: float
    size: float


@dataclass(frozen=True)
class SampleCell:
    """A run's pose of a caption: its picture as a data URI, or the problem with it."""

    caption: str
    measures: Mapping[str, float]
    picture: str = ""
    problem: str = ""


def write_page(comparison: Comparison, page: Path) -> int:
    """Write the page; returns the number of captions with pictures.

    Raises:
        InputError: the file cannot be written.
    """
    captions = common_captions(comparison.runs)
    try:
        write_atomically(page, render_page(comparison, captions).encode("utf-8", "replace"))
    except OSError as error:
        raise InputError(f"--page {page}: cannot be written: {error.strerror}") from None
    return len(captions)


def common_captions(runs: Iterable[Run]) -> list[str]:
    """The captions to show: first those that most runs have, otherwise in the order of the runs' samples."""
    runs_with = Counter(caption for run in runs for caption in {sample.caption: None for sample in run.samples})
    return [caption for caption, _ in runs_with.most_common(MAX_CAPTIONS)]


def render_page(comparison: Comparison, captions: Sequence[str]) -> str:
    """The page as HTML."""
    runs = comparison.runs
    return PAGE.render(
        style=f":root {{ --runs: {len(runs)}; }}\n",
        comparison=comparison,
        headers=list(zip(runs, comparison.names, comparison.folders, strict=True)),
        curves={title: list(curve_rows(runs, axis)) for title, axis in AXES.items()},
        curve_size=(WIDTH, HEIGHT),
        poses=sum(int(run.metrics.get("poses_done", 0)) for run in runs),
        samples={caption: [sample_cell(caption, run) for run in runs] for caption in captions},
        folders=folders_section(runs),
        bars=bars,
        picture_size=PICTURE_SIZE,
    )


def folders_section(runs: Sequence[Run]) -> Section:
    """The folders of the runs and of their poses."""
    records = [run.folders[0] if len(run.folders) == 1 else run.folders[0].parent for run in runs]
    return Section(
        "Folders",
        (
            Row("run", tuple(Cell(printable(str(folder))) for folder in records)),
            Row("poses", tuple(Cell(printable(str(run.output))) for run in runs)),
        ),
    )


def bars(row: Row) -> Iterator[tuple[Cell, Bar | None]]:
    """The cells with a bar from zero to the number, on a scale that the row shares and that includes zero."""
    numbers = [cell.number for cell in row.cells if cell.number is not None]
    low, high = min([0.0, *numbers]), max([0.0, *numbers])
    for cell in row.cells:
        if cell.number and len(row.cells) > 1:
            scale = 100 / (high - low)
            yield cell, Bar(scale * (min(cell.number, 0.0) - low), scale * abs(cell.number))
        else:
            yield cell, None


def sample_cell(caption: str, run: Run) -> SampleCell | None:
    """A run's pose of a caption; None where the caption is not among the run's samples."""
    sample = next((each for each in run.samples if each.caption == caption), None)
    if sample is None:
        return None
    if is_replaced(sample):
        return SampleCell(caption, sample.measures, problem="a later run replaced this pose")
    try:
        with sample.file(PNG) as path:
            return SampleCell(caption, sample.measures, picture=data_uri(path))
    except FileNotFoundError:
        return SampleCell(caption, sample.measures, problem="no picture")
    except (DamagedFileError, ValueError):  # a name with a NUL is a ValueError
        return SampleCell(caption, sample.measures, problem="the picture cannot be read")


def is_replaced(sample: Sample) -> bool:
    """Whether the pose on disk is not the one that the run made: a recorded measure differs."""
    try:
        with sample.file(NPY) as path:
            joints = np.array(map_npy(path))
    except (DamagedFileError, ValueError):
        return False
    measured = sample.measures.get("lowest_joint_cm")
    if measured is None or joints.shape != (NUM_JOINTS, 3) or joints.dtype.kind != "f":
        return False
    return not abs(100 * float(lowest_joint_height(joints[None])[0]) - measured) < MEASURE_TOLERANCE


def data_uri(path: Path) -> str:
    """A reduced copy of a picture, as a data URI."""
    small = load_picture(path, PICTURE_SIZE)
    content = io.BytesIO()
    small.save(content, "WEBP", quality=PICTURE_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}"
