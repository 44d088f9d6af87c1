"""`output.layout=shards` under SIGKILL: none lost, none twice, little made again, and other libraries stream it."""

import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

import pytest

POSES, KILLS = 100_000, 10
MODEL = '''\
"""A model that is done at once, and notes what it was asked for."""

import os
from dataclasses import dataclass

import numpy as np

from mardm_batch.library.posing import pose
from mardm_batch.model.motion_model import MotionModel
from mardm_batch.sampling.models import MODELS
from mardm_batch.sampling.models.settings import ModelSettings


class Statue(MotionModel):
    weights_hash = "none"

    def generate(self, captions, keys, frames):
        with open("asked.txt", "a") as file:
            file.write("".join(f"{caption}\\\\n" for caption in captions))
        return np.broadcast_to(pose({}), (len(captions), frames, 22, 3)).copy()


@dataclass
class StatueSettings(ModelSettings):
    def load(self, sampling, device):
        return Statue()

    def provenance(self):
        return {}


MODELS.register("statue", StatueSettings)

if __name__ == "__main__":
    from mardm_batch.cli import main

    main()
'''
CONFIG = """\
defaults:
  - /schema/model/statue@_here_

name: statue
cfg: 1.0
cfg_quality: 1.0
frames: 4
time_steps: 1
"""


def command(folder: Path) -> list[str]:
    words = ["model=statue", "paths.prompts=captions.txt", "output.layout=shards", "render.enabled=false"]
    words += ["tracking.mode=disabled", "sampling.batch_size=64", "unknown_words=warn"]
    return [sys.executable, str(folder / "statue.py"), "--config-dir", str(folder / "conf"), *words]


def prepare(folder: Path, poses: int) -> None:
    (folder / "conf" / "model").mkdir(parents=True)
    (folder / "conf" / "model" / "statue.yaml").write_text(CONFIG)
    (folder / "statue.py").write_text(MODEL.replace("\\\\n", "\\n"))
    (folder / "captions.txt").write_text("".join(f"A person waves {number} times\n" for number in range(poses)))


def asked(folder: Path) -> list[str]:
    path = folder / "asked.txt"
    return path.read_text().splitlines() if path.exists() else []


def run_until(folder: Path, poses: int) -> None:
    """Run, and kill the run, with its writers, when it has asked its model for so many further poses."""
    process = subprocess.Popen(
        command(folder), cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    before = len(asked(folder))
    while process.poll() is None and len(asked(folder)) - before < poses:
        time.sleep(0.2)
    assert process.poll() is None, "the run ended by itself"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def names_in_tars(output: Path) -> Counter[str]:
    names: Counter[str] = Counter()
    for path in output.glob("*.tar"):
        with tarfile.open(path) as tar:
            names.update(name for name in tar.getnames() if name.endswith(".json"))
    return names


@pytest.mark.e2e
@pytest.mark.slow
def test_kills_lose_no_pose_and_none_is_there_twice(tmp_path: Path) -> None:
    webdataset, datasets = pytest.importorskip("webdataset"), pytest.importorskip("datasets")
    prepare(tmp_path, POSES)
    chance = random.Random(0)
    for _ in range(KILLS):
        run_until(tmp_path, chance.randrange(POSES // KILLS))
    ended = subprocess.run(command(tmp_path), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    output = tmp_path / "SinglePose"
    names = names_in_tars(output)
    assert (len(names), names.total()) == (POSES, POSES)
    assert len(asked(tmp_path)) <= POSES + KILLS * 1000
    audit = subprocess.run(
        [sys.executable, "-m", "mardm_batch.verify", "SinglePose", "--prompts", "captions.txt", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(audit.stdout)["problems"] == []
    tars = [str(path) for path in sorted(output.glob("*.tar"))]
    samples = webdataset.WebDataset(tars, shardshuffle=False).decode()
    assert sum(1 for each in samples if each["npy"].shape == (22, 3)) == POSES
    rows = datasets.load_dataset(str(output), split="train", streaming=True, cache_dir=str(tmp_path / "cache"))
    assert len({row["caption"] for row in rows}) == POSES
