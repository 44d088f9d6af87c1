"""A model, a renderer and a tracker that are registered outside the package serve the command like its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = """
import io, json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mardm_batch.cli import main
from mardm_batch.model.motion_model import MotionModel
from mardm_batch.pose.skeleton import BONE_LENGTHS, JOINT_NAMES, PARENTS
from mardm_batch.render import RENDERERS
from mardm_batch.render.theme import Renderer, RenderSettings
from mardm_batch.sampling.models import MODELS
from mardm_batch.sampling.models.settings import ModelSettings
from mardm_batch.config.schema import setting
from mardm_batch.tracking import TRACKERS
from mardm_batch.tracking.tracker import PoseTrackingSettings


def t_pose():
    joints = np.zeros((22, 3), np.float32)
    for joint, name in list(enumerate(JOINT_NAMES))[1:]:
        side = 1 if name.startswith("left") else -1
        down, out = ("knee", "ankle"), ("hip", "collar", "shoulder", "elbow", "wrist")
        direction = (0, -1, 0) if name.endswith(down) else (side, 0, 0) if name.endswith(out) else (0, 0, 1)
        direction = direction if not name.startswith(("spine", "neck", "head")) else (0, 1, 0)
        joints[joint] = joints[PARENTS[joint]] + BONE_LENGTHS[joint] * np.array(direction)
    joints[:, 1] -= joints[:, 1].min()
    return joints


@dataclass
class TPoseSettings(ModelSettings):
    scale: float = setting("how large the person is")

    def load(self, sampling, device):
        return TPoseModel(self.scale)

    def provenance(self):
        return {"scale": self.scale}


class TPoseModel(MotionModel):
    weights_hash = "0" * 64

    def __init__(self, scale):
        self.scale = scale

    def generate(self, captions, keys, frames):
        return np.broadcast_to(self.scale * t_pose(), (len(captions), frames, 22, 3)).copy()


@dataclass
class BlankSettings(RenderSettings):
    grey: int = setting("how light the picture is")

    def renderer(self):
        return Blank(self.grey)


class Blank(Renderer):
    def __init__(self, grey):
        self.grey = grey

    def draw(self, joints, caption):
        content = io.BytesIO()
        Image.new("L", (1200, 1200), self.grey).save(content, "PNG", dpi=(150, 150))
        return content.getvalue()


@dataclass
class CollectingSettings(PoseTrackingSettings):
    file: str = setting("where the summary goes")

    def start(self, run):
        return Collecting(Path(self.file), run.shard)


class Collecting:
    def __init__(self, file, shard):
        self.file, self.collected = file, [shard]

    def log(self, metrics):
        self.collected.append(dict(metrics))

    def finish(self, summary):
        self.file.write_text(json.dumps(self.collected))


MODELS.register("t_pose", TPoseSettings)
RENDERERS.register("blank", BlankSettings)
TRACKERS.register("collecting", CollectingSettings)

if __name__ == "__main__":
    main()
"""
FILES = {
    "conf/model/t_pose.yaml": """
        defaults: [/schema/model/t_pose@_here_]
        name: t_pose
        cfg: 1.0
        cfg_quality: 1.0
        frames: 8
        time_steps: 1
        scale: 2.0
    """,
    "conf/render/blank.yaml": "{defaults: [/schema/render/blank@_here_], enabled: true, grey: 200}",
    "conf/tracking/collecting.yaml": """
        {defaults: [/schema/tracking/collecting@_here_], mode: auto, samples: 5, file: collected.json}
    """,
}


@pytest.fixture
def toys(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(line.strip() for line in content.strip().splitlines()))
    (tmp_path / "toys.py").write_text(SCRIPT)
    (tmp_path / "captions.txt").write_text("A person standing\nA person with the arms out\n")
    return tmp_path


def run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "toys.py", "--config-dir", "conf", "paths.prompts=captions.txt", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=os.environ, timeout=300)


def test_what_is_registered_outside_makes_draws_and_tracks_poses(toys: Path) -> None:
    result = run(toys, "model=t_pose", "render=blank", "tracking=collecting", "model.scale=1.5")
    assert result.returncode == 0, result.stderr
    documents = [json.loads(path.read_text()) for path in (toys / "SinglePose").glob("*.json")]
    assert sorted(document["caption"] for document in documents) == [
        "A person standing",
        "A person with the arms out",
    ]
    for document in documents:
        assert (document["model"], document["weights_sha256"], document["sampling"]["scale"]) == (
            "t_pose",
            "0" * 64,
            1.5,
        )
        joints = np.array(document["joints"])
        assert joints[20, 0] > 0.8
        assert joints[21, 0] < -0.8
        with Image.open(toys / "SinglePose" / f"{document['name']}.png") as picture:
            assert picture.size == (1200, 1200)
            assert picture.getpixel((600, 600)) == 200
    shard, *metrics = json.loads((toys / "collected.json").read_text())
    assert shard == "all"
    assert metrics[-1]["poses_done"] == 2


def test_their_settings_are_checked_and_in_the_help(toys: Path) -> None:
    mistyped = run(toys, "model=t_pose", "model.scal=1")
    assert mistyped.returncode == 2
    assert "model.scal" in mistyped.stderr
    assert "Traceback" not in mistyped.stderr
