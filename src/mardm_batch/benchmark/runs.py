"""The command as users run it, in processes of its own: seconds, poses per second, memory. No torch here."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mardm_batch.benchmark.figures import RunFigures, StartUpFigures
from mardm_batch.benchmark.memory import peak_memory
from mardm_batch.dataset.formats.json_file import JSON
from mardm_batch.errors import MardmBatchError

RATE_PARTS = 10
"""The rate at the start is that of the second tenth of the poses, as processes start up in the first."""


def measure_run(captions: Sequence[str], overrides: Sequence[str]) -> RunFigures:
    """Run the command on these captions in a temporary folder.

    Raises:
        MardmBatchError: it ended with another exit code than 0.
    """
    with tempfile.TemporaryDirectory(prefix="mardm-batch-") as name:
        folder = Path(name)
        (folder / "captions.jsonl").write_text("".join(json.dumps({"caption": each}) + "\n" for each in captions))
        words = ["paths.prompts=captions.jsonl", "tracking.mode=disabled", *overrides]
        started_at = time.time()
        started = time.perf_counter()
        process = subprocess.Popen(command(*words), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with peak_memory(process.pid) as peak:
            _, messages = process.communicate()
        seconds = time.perf_counter() - started
        if process.returncode:
            last = messages.decode(errors="replace").strip().splitlines()[-1:]
            raise MardmBatchError(f"{' '.join(words)}: exit code {process.returncode}: {''.join(last)}")
        times = sorted(path.stat().st_mtime for path in JSON.paths(folder / "SinglePose"))
    part = len(times) // RATE_PARTS
    return RunFigures(
        prompts=len(captions),
        seconds=seconds,
        poses_per_s=len(times) / seconds,
        rate_at_start=poses_per_second(times[part : 2 * part + 1]),
        rate_at_end=poses_per_second(times[-part - 1 :]),
        sampler_peak_rss_mb=peak.process_mb,
        peak_rss_mb=peak.total_mb,
        first_pose_s=times[0] - started_at,
    )


def poses_per_second(times: Sequence[float]) -> float:
    """The rate between the first and the last of the times at which poses were finished."""
    return (len(times) - 1) / max(times[-1] - times[0], 1e-9)


def measure_start_up() -> StartUpFigures:
    return StartUpFigures(
        help_s=shortest_seconds(["--help"], repeats=3),
        bad_setting_s=shortest_seconds(["sampling.batch_size=0"], repeats=3),
    )


def shortest_seconds(words: Sequence[str], repeats: int) -> float:
    """Seconds of the fastest of several runs of the command, whatever its exit code."""
    fastest = float("inf")
    with tempfile.TemporaryDirectory(prefix="mardm-batch-") as folder:
        for _ in range(repeats):
            started = time.perf_counter()
            subprocess.run(command(*words), cwd=folder, capture_output=True, check=False)
            fastest = min(fastest, time.perf_counter() - started)
    return fastest


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "mardm_batch", *words]
