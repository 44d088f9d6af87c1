"""Finished poses of the whole pose library in an output folder, as a run leaves them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.looks import theme

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.library.library import load_library
from mardm_batch.prompts.names import name_prompts
from mardm_batch.prompts.prompt_file import Entry

CAPTIONS = ["A person on a train", "=SUM(A1)", "A person 站着 é", "A person taking the validation test", "w " * 200]
"""And numbered ones; with words that are the names of splits, formulas, and a long name."""


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("finished") / "poses"
    library, rng = load_library(), np.random.default_rng(0)
    captions = [*CAPTIONS, *(f"A person in pose {number}" for number in range(15))]
    entries = [Entry(caption, {"id": number, "label": "+1"}) for number, caption in enumerate(captions)]
    store = PoseStore(folder, (PNG, NPY))
    store.prepare()
    (folder.parent / "temp").mkdir()
    draw = theme().renderer().draw
    provenance = Provenance("embedded", 3407, 8, {"cfg": 4.0}, "0123abcd" * 8, "float32")
    for prompt in name_prompts(entries):
        joints = library.compose(rng).joints(rng)
        store.write(Pose(prompt, joints, 8, 0), draw(joints, prompt.caption), provenance, folder.parent / "temp")
    lines = [{"name": "on_a_train", "verdict": "reject", "note": ""}, {"name": "in_pose_1", "verdict": "accept"}]
    (folder / "reviews.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


@pytest.fixture
def finished(finished_once: Path, tmp_path: Path) -> Path:
    """20 finished poses with pictures, in a folder of the test's own."""
    return Path(shutil.copytree(finished_once, tmp_path / "poses"))
