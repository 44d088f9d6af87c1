"""The HTML page of a comparison: one file that loads nothing, without JavaScript, light or dark as the reader prefers.

Captions, names, paths, errors and settings come from outside: all text passes through `escape`.
"""

import base64
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from mardm_batch.compare.runs import Run, Sample
from mardm_batch.compare.tables import Cell, Comparison, Row, Section, metric_words, number_words
from mardm_batch.errors import InputError
from mardm_batch.pose.geometry import lowest_joint_height
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.system.files import write_atomically
from mardm_batch.system.terminal import printable

CAPTIONS_SHOWN = 24
PICTURE_SIZE = 360
PICTURE_QUALITY = 80
ROUNDING = 1e-6  # centimetres

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --head: #f0f2f5; --ink: #1f2430; --faint: #667085; --line: #dfe3e9;
  --bar: #b9c3d1; --best: #1a74b8; --best-ink: #0f5c97; --best-back: #e4f0f9; --warn: #b3450e; --warn-back: #fdeee3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1218; --card: #161a22; --head: #1d222c; --ink: #e8ebf0; --faint: #98a2b3; --line: #2b3240;
    --bar: #465064; --best: #4aa3e8; --best-ink: #7cc0f5; --best-back: #16304a; --warn: #f5a269; --warn-back: #3a2416;
  }
}
* { box-sizing: border-box; }
html, body { height: 100%; margin: 0; }
body {
  display: grid; grid-template-rows: auto minmax(0, 1fr); gap: 1.25rem;
  padding: 1.5rem clamp(.75rem, 2.5vw, 2.5rem) 1.5rem;
  background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
}
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; }
h1 { margin: 0; font-size: 1.45rem; font-weight: 650; letter-spacing: -.015em; }
header p { margin: 0; color: var(--faint); }
.box {
  overflow: auto; max-height: 100%; width: fit-content; max-width: 100%;
  background: var(--card); border: 1px solid var(--line); border-radius: 12px;
}
.box:focus-visible { outline: 2px solid var(--best); outline-offset: 2px; }
table {
  border-collapse: separate; border-spacing: 0; table-layout: fixed;
  width: calc(15rem + var(--runs) * 24rem); min-width: calc(15rem + var(--runs) * 12rem); max-width: 100%;
}
th, td { padding: .5rem 1rem; vertical-align: top; text-align: left; font-weight: 400; overflow-wrap: anywhere; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
col.label { width: 15rem; }
thead > tr > * { position: sticky; top: 0; z-index: 2; background: var(--head); border-bottom: 1px solid var(--line); }
tbody th { position: sticky; left: 0; z-index: 1; background: var(--card); color: var(--faint); }
thead td { left: 0; z-index: 3; }
thead td, tbody th { border-right: 1px solid var(--line); }
thead th strong { display: block; font-size: 1.02rem; font-weight: 650; }
thead th span, .settings th[scope=row], .settings td, .folders td {
  font: .86em/1.5 ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
thead th span { display: block; color: var(--faint); white-space: pre-wrap; }
tbody th.section {
  padding-block: 1.6rem .45rem; color: var(--ink); font-size: 1.05rem; font-weight: 650; letter-spacing: -.01em;
  white-space: nowrap;
}
tbody:first-of-type th.section { padding-top: 1.1rem; }
td { font-variant-numeric: tabular-nums; }
td small { color: var(--faint); font-size: .84em; margin-left: .35rem; }
.best { color: var(--best-ink); font-weight: 650; }
.tag, .alarm { padding: .08rem .45rem; border-radius: 99px; }
.tag {
  margin-left: .5rem; background: var(--best-back); color: var(--best-ink); font-size: .74rem; font-weight: 600;
}
.alarm { margin-left: -.45rem; background: var(--warn-back); color: var(--warn); font-weight: 600; }
.bar { display: block; height: 5px; margin-top: .35rem; border-radius: 3px; background: var(--head); }
.bar i {
  display: block; height: 100%; min-width: 2px; border-radius: 3px; background: var(--bar);
  margin-left: calc(var(--from) * 1%); width: calc(var(--size) * 1%);
}
.best ~ .bar i { background: var(--best); }
.samples th { color: var(--ink); }
.samples td { padding-block: 1rem; }
.samples th { padding-block: 1rem; }
img, .missing { display: block; width: 100%; max-width: 360px; border-radius: 8px; border: 1px solid var(--line); }
img { height: auto; }
.missing {
  display: grid; place-items: center; aspect-ratio: 1; padding: 1rem; text-align: center; color: var(--faint);
  border-style: dashed;
}
dl {
  display: grid; grid-template-columns: auto auto; justify-content: start; gap: 0 .9rem;
  margin: .5rem 0 0; font-size: .82rem;
}
dt { color: var(--faint); }
dd { margin: 0; text-align: right; }
@media (max-width: 40rem) { col.label { width: 9rem; } th, td { padding-inline: .6rem; } }
@media print { html, body { height: auto; } body { display: block; } .box { overflow: visible; } }
"""


def write_page(comparison: Comparison, page: Path) -> int:
    """Write the page, and return of how many captions it shows pictures.

    Raises:
        InputError: the file cannot be written.
    """
    captions = common_captions(comparison.runs)
    html = "\n".join(page_lines(comparison, captions))
    try:
        write_atomically(page, html.encode("utf-8", "replace"))
    except OSError as error:
        raise InputError(f"--page {page}: cannot be written: {error.strerror}") from None
    return len(captions)


def common_captions(runs: Iterable[Run]) -> list[str]:
    """The captions to show: those that the most runs have, otherwise in the order of the runs' samples."""
    runs_with = Counter(caption for run in runs for caption in {sample.caption: None for sample in run.samples})
    return [caption for caption, _ in runs_with.most_common(CAPTIONS_SHOWN)]


def page_lines(comparison: Comparison, captions: Sequence[str]) -> Iterator[str]:
    runs = comparison.runs
    title = "A run" if len(runs) == 1 else f"{len(runs)} runs side by side"
    poses = sum(int(run.metrics.get("poses_done", 0)) for run in runs)
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    # Should anything slip through the escaping, the browser neither runs nor loads it.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title} · mardm-batch</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    yield f"<header><h1>{title}</h1><p>{poses:,} poses, pictures of {len(captions)} captions</p></header>"
    yield '<div class="box" role="region" aria-label="Comparison" tabindex="0">'
    yield f'<table style="--runs: {len(runs)}">\n<colgroup><col class="label"><col span="{len(runs)}"></colgroup>'
    yield "<thead><tr><td></td>"
    for name, difference in zip(comparison.names, comparison.differences, strict=True):
        yield f'<th scope="col"><strong>{escape(name)}</strong><span>{escape(difference)}</span></th>'
    yield "</tr></thead>"
    for section in comparison.sections:
        yield from section_lines(section, len(runs))
    yield f'<tbody class="samples">{heading("The same captions" if len(runs) > 1 else "Samples", len(runs))}'
    yield from (sample_line(caption, runs) for caption in captions)
    yield "</tbody>"
    yield from section_lines(folders(runs), len(runs))
    yield "</table>\n</div>\n</body>\n</html>\n"


def folders(runs: Sequence[Run]) -> Section:
    """Where the records and the poses of each run are."""
    records = [run.folders[0] if len(run.folders) == 1 else run.folders[0].parent for run in runs]
    return Section(
        "Folders",
        (
            Row("run", tuple(Cell(printable(str(folder))) for folder in records)),
            Row("poses", tuple(Cell(printable(str(run.output))) for run in runs)),
        ),
    )


def section_lines(section: Section, runs: int) -> Iterator[str]:
    yield f'<tbody class="{section.title.split()[0].lower()}">{heading(section.title, runs)}'
    yield from map(row_line, section.rows)
    yield "</tbody>"


def heading(title: str, runs: int) -> str:
    return f'<tr><th class="section" scope="rowgroup">{escape(title)}</th><td colspan="{runs}"></td></tr>'


def row_line(row: Row) -> str:
    numbers = [cell.number for cell in row.cells if cell.number is not None]
    low, high = min([0.0, *numbers]), max([0.0, *numbers])
    cells = ""
    for cell in row.cells:
        bar = bar_html(cell.number, low, high) if cell.number and len(row.cells) > 1 else ""
        cells += f"<td>{cell_html(cell)}{bar}</td>"
    return f'<tr><th scope="row">{escape(row.label)}</th>{cells}</tr>'


def cell_html(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.best:
        text = f'<b class="best">{text}</b><span class="tag">best</span>'
    elif cell.alarm:
        text = f'<b class="alarm">{text}</b>'
    return text + (f"<small>{escape(cell.detail)}</small>" if cell.detail else "")


def bar_html(number: float, low: float, high: float) -> str:
    """A bar from zero to the number, on the scale from low to high that the row shares and that holds the zero."""
    start, size = (min(number, 0.0) - low) / (high - low), abs(number) / (high - low)
    return f'<span class="bar"><i style="--from: {100 * start:.1f}; --size: {100 * size:.1f}"></i></span>'


def sample_line(caption: str, runs: Iterable[Run]) -> str:
    cells = "".join(f"<td>{sample_html(caption, run)}</td>" for run in runs)
    return f'<tr><th scope="row" dir="auto">{escape(caption)}</th>{cells}</tr>'


def sample_html(caption: str, run: Run) -> str:
    """A run's picture of a caption, and what it measured of the pose."""
    sample = next((each for each in run.samples if each.caption == caption), None)
    if sample is None:
        return missing("not among the samples of this run")
    measures = "".join(
        f"<dt>{escape(metric_words(key))}</dt><dd>{number_words(value)}</dd>" for key, value in sample.measures.items()
    )
    return f"{picture_html(sample)}<dl>{measures}</dl>"


def picture_html(sample: Sample) -> str:
    if replaced(sample):
        return missing("a later run replaced this pose")
    try:
        source = data_uri(sample.file(".png"))
    except FileNotFoundError:
        return missing("no picture")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # what Pillow raises for broken files
        return missing("the picture cannot be read")
    return f'<img src="{source}" width="{PICTURE_SIZE}" height="{PICTURE_SIZE}" alt="{escape(sample.caption)}">'


def missing(reason: str) -> str:
    return f'<div class="missing">{reason}</div>'


def replaced(sample: Sample) -> bool:
    """Whether the pose on disk is not the one that the run made: it measures something else."""
    try:
        joints = np.load(sample.file(".npy"), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    measured = sample.measures.get("lowest_joint_cm")
    if measured is None or joints.shape != (NUM_JOINTS, 3):
        return False
    return not abs(100 * float(lowest_joint_height(joints[None])[0]) - measured) < ROUNDING


def data_uri(path: Path) -> str:
    """A small copy of a picture."""
    with Image.open(path) as picture:
        small = picture.convert("RGB").resize((PICTURE_SIZE, PICTURE_SIZE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    content = io.BytesIO()
    small.save(content, "WEBP", quality=PICTURE_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}"
