"""Pictures, drawn and written on one core, against a new matplotlib figure for every pose."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mardm_batch.benchmark.figures import PictureFigures
from mardm_batch.constants import DPI, PICTURE_SIZE
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.pose.geometry import Joints
from mardm_batch.pose.skeleton import KINEMATIC_CHAINS
from mardm_batch.render.theme import RenderSettings
from mardm_batch.run.writers import POSES_AT_ONCE
from mardm_batch.system.files import write_atomically


def measure_pictures(
    settings: RenderSettings, joints: Joints, captions: Sequence[str], naive_count: int
) -> PictureFigures:
    """Median time per picture of poses (n, 22, 3); the baseline draws the first `naive_count`."""
    renderer = settings.renderer()
    with TemporaryDirectory(prefix="mardm-batch-") as name:
        folder = Path(name)

        def draw(numbers: range) -> None:
            some = slice(numbers.start, numbers.stop)
            pictures = renderer.draw_several(list(joints[some]), captions[some])
            for number, picture in zip(numbers, pictures, strict=True):
                write_atomically(PNG.path(folder, str(number)), picture)

        def draw_naive(numbers: range) -> None:
            for number in numbers:
                draw_naively(joints[number], captions[number], PNG.path(folder, str(number)))

        ms = median_ms(draw, len(joints), POSES_AT_ONCE)
        largest_kb = max(path.stat().st_size for path in PNG.paths(folder)) / 1000
        return PictureFigures(ms, largest_kb, median_ms(draw_naive, naive_count, 1))


def median_ms(draw_and_write: Callable[[range], None], count: int, at_once: int) -> float:
    """Median milliseconds of a picture, after a first one that sets up fonts and the background."""
    draw_and_write(range(1))
    seconds = []
    for start in range(0, count, at_once):
        numbers = range(start, min(start + at_once, count))
        started = time.perf_counter()
        draw_and_write(numbers)
        seconds.append((time.perf_counter() - started) / len(numbers))
    return 1000 * median(seconds)


def draw_naively(joints: NDArray[np.float32], caption: str, path: Path) -> None:
    """The baseline: a new matplotlib figure with 3D axes for each pose (22, 3), and savefig."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PICTURE_SIZE / DPI, PICTURE_SIZE / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    axes: Any = figure.add_subplot(projection="3d")
    for chain, colour in zip(KINEMATIC_CHAINS.values(), ("red", "blue", "black", "orange", "green"), strict=True):
        x, y, z = joints[list(chain)].T
        axes.plot(x, z, y, color=colour, linewidth=3)
    x, y, z = joints.T
    axes.scatter(x, z, y, color="black", s=12)
    axes.set(xlim=(-1, 1), ylim=(-1, 1), zlim=(0, 2), title=caption)
    figure.savefig(path)
