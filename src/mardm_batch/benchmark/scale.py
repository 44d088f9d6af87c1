"""What work that is finished costs: a run with nothing to do, the audit, the launcher of many shards, by size."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
from rich.console import Console

from mardm_batch.benchmark.figures import JsonValue, Section
from mardm_batch.benchmark.table import new_table, number
from mardm_batch.dataset.formats.format import PoseContent
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.records import Pose, PoseDocument, Provenance
from mardm_batch.errors import ExitCode, MardmBatchError
from mardm_batch.pose.skeleton import NUM_JOINTS
from mardm_batch.prompts.names import Prompt, file_name

SIZES: Final = (10_000, 100_000, 1_000_000)
SHARDS: Final = 64
LAUNCHER: Final = """\
from hydra.core.config_store import ConfigStore
from hydra.plugins.launcher import Launcher


class NothingLauncher(Launcher):
    def setup(self, *, hydra_context, task_function, config):
        pass

    def launch(self, job_overrides, initial_job_idx):
        return []


node = {"_target_": "hydra_plugins.nothing.NothingLauncher"}
ConfigStore.instance().store(group="hydra/launcher", name="nothing", node=node)
"""
SETTINGS: Final = ("render.enabled=false", "existing=keep", "tracking.mode=disabled")


@dataclass(frozen=True)
class ScaleFigures(Section):
    """Of a flat folder of finished poses without pictures. Seconds are those of the CPU, of all processes together."""

    poses: int
    first_look_s: float
    """A run with nothing to do in a folder that has no ledger yet."""
    nothing_to_do_s: float
    nothing_to_do_mb: float
    launcher_s: float
    """A sweep of 64 shards whose launcher starts nothing: its work before the first start and after the last end."""
    verify_s: float
    verify_mb: float
    """Peak of the largest process."""

    KEYS: ClassVar[tuple[str, ...]] = ("poses",)


def measure_scale(sizes: Sequence[int], report: Callable[[str], None]) -> Iterator[ScaleFigures]:
    """Measure with folders of these numbers of poses, one after the other.

    Args:
        report: called with the name of each step before it is measured.

    Raises:
        MardmBatchError: a command failed.
        OSError: the folders cannot be written.
    """
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="mardm-batch-") as name:
            folder = Path(name)
            report(f"writing {size:,} poses")
            write_finished(folder, size)
            words = ["mardm_batch", "paths.prompts=captions.txt", *SETTINGS]
            report(f"{size:,} poses: a run with nothing to do")
            first, _ = cpu_seconds(words, folder)
            again, again_mb = cpu_seconds(words, folder)
            report(f"{size:,} poses: the launcher of {SHARDS} shards")
            write_launcher(folder)
            shards = f"shard={','.join(map(str, range(SHARDS)))}"
            sweep = [*words, "--multirun", "hydra/launcher=nothing", shards, f"num_shards={SHARDS}"]
            launcher, _ = cpu_seconds(sweep, folder)
            report(f"{size:,} poses: verify without pictures")
            verify, verify_mb = cpu_seconds(["mardm_batch.verify", "SinglePose", "--no-pictures"], folder)
            yield ScaleFigures(size, first, again, again_mb, launcher, verify, verify_mb)


def write_finished(folder: Path, count: int) -> None:
    """Write a prompt file and the finished poses of its captions, all with the same joints."""
    output = folder / "SinglePose"
    output.mkdir()
    joints = np.random.default_rng(0).normal(size=(NUM_JOINTS, 3)).astype(np.float32)
    marks = Prompt("NAME", "CAPTION")
    pose, provenance = Pose(marks, joints, 8, 0), Provenance("embedded", 3407, 8, {"cfg": 2.0}, "0" * 64, "float32")
    content = PoseContent(pose, PoseDocument.of(pose, provenance), None)
    document, npy = JSON.encode(content).decode(), NPY.encode(content)
    with (folder / "captions.txt").open("w", encoding="utf-8") as captions:
        for place in range(count):
            caption = f"A person who waves with the left hand above the head in place {place}"
            name = file_name(caption)
            captions.write(f"{caption}\n")
            NPY.path(output, name).write_bytes(npy)
            text = document.replace("CAPTION", caption, 1).replace('"NAME"', json.dumps(name), 1)
            JSON.path(output, name).write_text(text, encoding="utf-8")


def write_launcher(folder: Path) -> None:
    """Write a Hydra launcher that starts nothing; Hydra finds it in the working directory."""
    (folder / "hydra_plugins").mkdir()
    (folder / "hydra_plugins" / "nothing.py").write_text(LAUNCHER, encoding="utf-8")


def cpu_seconds(words: Sequence[str], folder: Path) -> tuple[float, float]:
    """CPU seconds of a module's command and its processes, and the peak of memory of the largest of them, in MiB."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    messages = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (ExitCode.ALL_FINISHED, ExitCode.SOME_FAILED):
        last = "".join(messages.strip().splitlines()[-1:])
        raise MardmBatchError(f"{' '.join(words)}: exit code {process.returncode}: {last}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit


def scale_json(figures: Sequence[ScaleFigures]) -> dict[str, JsonValue]:
    """The figures with dotted keys."""
    keys = {key: value for each in figures for key, value in each.to_dotted(f"scale.poses_{each.poses}").items()}
    return {"suite": "scale", **keys}


def show_scale(figures: Sequence[ScaleFigures], console: Console) -> None:
    """Print the figures, and how they grow from the smallest folder to the largest."""
    names = {
        "first_look_s": "nothing to do, no ledger yet, CPU s",
        "nothing_to_do_s": "nothing to do, CPU s",
        "nothing_to_do_mb": "nothing to do, MB",
        "launcher_s": f"launcher of {SHARDS} shards that starts nothing, CPU s",
        "verify_s": "verify without pictures, CPU s",
        "verify_mb": "verify without pictures, MB",
    }
    first, last = figures[0], figures[-1]
    table = new_table("Finished poses", ("", *(f"{each.poses:,}" for each in figures), "growth"))
    for key, label in names.items():
        values = [getattr(each, key) for each in figures]
        table.add_row(label, *map(number, values), f"{values[-1] / max(values[0], 1e-9):.1f} ×")
    table.caption = f"Growth: from {first.poses:,} poses to {last.poses / first.poses:,.0f} times as many."
    console.print(table)
