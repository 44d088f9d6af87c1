"""Clips and pictures from other sides are files of a pose: written, checked, and replaced with it."""

from pathlib import Path

import numpy as np
import pytest
from tests.looks import theme

from mardm_batch.dataset.formats.clip_file import CLIP, check_clip
from mardm_batch.dataset.formats.format import DamagedFileError
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.formats.registry import enabled_formats, split_file_name
from mardm_batch.dataset.formats.view_file import view_format
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import ConfigurationError
from mardm_batch.library.posing import pose
from mardm_batch.pose.geometry import canonical_clip, canonical_position
from mardm_batch.prompts.names import Prompt
from mardm_batch.verify.verification import verify

PROVENANCE = Provenance("embedded", 1, 2, {"cfg": 2.0}, "0123", "float32")
PROMPT = Prompt("waving", "A person waving")
MOVING = (pose({}) + np.linspace(0, 1, 6)[:, None, None] * np.array([0.5, 0, 1.0])).astype(np.float32)


@pytest.fixture
def store(tmp_path: Path) -> PoseStore:
    made = PoseStore(tmp_path / "poses", (PNG, NPY, CLIP, view_format(45)))
    made.prepare()
    (tmp_path / "temp").mkdir()
    return made


def write(store: PoseStore) -> None:
    joints, clip = canonical_position(MOVING[2]), canonical_clip(MOVING, 2)
    look = theme(views=[45])
    views = {degrees: each.draw(joints, PROMPT.caption) for degrees, each in look.view_renderers().items()}
    picture = look.renderer().draw(joints, PROMPT.caption)
    views = {degrees: picture for degrees, picture in views.items() if f"@{degrees:03d}.png" in store.suffixes}
    store.write(Pose(PROMPT, joints, 2, 0, clip=clip), picture, PROVENANCE, store.output.parent / "temp", views)


def test_a_clip_is_moved_as_its_pose_is() -> None:
    clip = canonical_clip(MOVING, 2)
    assert np.array_equal(clip[2], canonical_position(MOVING[2]))
    steps = np.diff(MOVING[:, 0], axis=0)
    assert np.allclose(np.linalg.norm(np.diff(clip[:, 0], axis=0), axis=1), np.linalg.norm(steps, axis=1), atol=1e-5)


def test_all_files_are_there_and_the_audit_knows_them(store: PoseStore) -> None:
    write(store)
    assert sorted(path.name for path in store.output.glob("waving*")) == [
        *("waving.clip.npy", "waving.json", "waving.npy", "waving.png", "waving@045.png")
    ]
    assert np.load(store.output / "waving.clip.npy").shape == (6, 22, 3)
    assert store.survey([PROMPT]).finished == (PROMPT,)
    found = {finding.kind for finding in verify(store.output).problems}
    assert found == {"metadata.jsonl is out of date"}
    (store.output / "waving@045.png").unlink()
    assert store.survey([PROMPT]).unfinished == (PROMPT,)


def test_files_that_are_not_wanted_any_more_go_with_the_pose(store: PoseStore) -> None:
    write(store)
    fewer = PoseStore(store.output, (PNG, NPY))
    fewer.prepare()
    fewer.find_views()
    write(fewer)
    assert sorted(path.name for path in store.output.glob("waving*")) == ["waving.json", "waving.npy", "waving.png"]


def test_pictures_from_other_sides_are_those_of_that_camera() -> None:
    look = theme(views=[0, 270])
    joints = canonical_position(MOVING[2])
    drawn = {degrees: each.draw(joints, "") for degrees, each in look.view_renderers().items()}
    assert drawn == {
        0: theme(azimuth=0).renderer().draw(joints, ""),
        270: theme(azimuth=-90).renderer().draw(joints, ""),
    }
    with pytest.raises(ConfigurationError, match=r"render\.views=.*from 0 to 359"):
        theme(views=[360])


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        (np.zeros((4, 22, 3), np.float64), "should be float32"),
        (np.zeros((22, 3), np.float32), "should be float32"),
        (np.full((4, 22, 3), np.nan, np.float32), "not finite"),
        (canonical_clip(MOVING, 3), "frame 2 is not the pose"),
        (canonical_clip(MOVING, 2)[:2], "frame 2 is not the pose"),
    ],
)
def test_a_damaged_clip_is_found(store: PoseStore, clip: np.ndarray, words: str) -> None:
    write(store)
    path = store.output / "waving.clip.npy"
    check_clip(path, store.read("waving"))
    np.save(path, clip)
    with pytest.raises(DamagedFileError, match=words):
        check_clip(path, store.read("waving"))


def test_settings_turn_files_on() -> None:
    settings = {"render.enabled": True, "render.views": [0, 90], "output.clip": True}
    assert [each.suffix for each in enabled_formats(settings.get)] == [
        *(".png", ".npy", ".clip.npy", "@000.png", "@090.png")
    ]
    assert [each.suffix for each in enabled_formats({"render.views": [0]}.get)] == [".npy"]


@pytest.mark.parametrize(
    ("file_name", "name", "suffix"),
    [
        ("a@045.png", "a", "@045.png"),
        ("a.clip.npy", "a", ".clip.npy"),
        ("a.npy", "a", ".npy"),
        ("a@400.png", "a@400", ".png"),
        ("a@b.json", "a@b", ".json"),
    ],
)
def test_names_of_files_are_split(file_name: str, name: str, suffix: str) -> None:
    split = split_file_name(file_name)
    assert split is not None
    assert (split[0], split[1].suffix) == (name, suffix)
