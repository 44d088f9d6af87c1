"""A run that finds all finished looks at each pose once, and again where anything got or lost its name meanwhile."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.dataset import store as store_module
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.layouts.layout import Layout
from mardm_batch.dataset.metadata import rebuild_metadata, update_metadata
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt

PROMPTS = tuple(Prompt(name, f"A person {name}") for name in ("waving", "sitting", "kneeling"))
HOUR = 3600


@pytest.fixture(params=["flat", "nested"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> PoseStore:
    """Finished poses with their metadata, an hour old, in the hands of a run of the whole list."""
    store = PoseStore(tmp_path / "poses", (NPY,), layout=request.param)
    store.prepare()
    for prompt in PROMPTS:
        write(store, prompt)
    rebuild_metadata(store)
    age(store)
    store.ledger.read_own("all")
    return store


def write(store: PoseStore, prompt: Prompt) -> None:
    joints = np.random.default_rng(len(prompt.name)).normal(size=(22, 3)).astype(np.float32)
    store.write(Pose(prompt, joints, 8, 0), None, Provenance("embedded", 1, 8, {}), store.output.parent)


def age(store: PoseStore) -> None:
    for folder in {"", *store.layout.folders()}:
        os.utime(store.output / folder, (time.time() - HOUR,) * 2)


def looks(store: PoseStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The poses of this store whose JSON is looked at from now on; another thread may look at those of another."""
    found: list[str] = []
    changed = Layout.changed

    def counted(self: Layout, name: str, suffix: str) -> object:
        if self.output == store.output:
            found.append(name + suffix)
        return changed(self, name, suffix)

    monkeypatch.setattr(Layout, "changed", counted)
    return found


def test_each_pose_is_looked_at_once(store: PoseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    found = looks(store, monkeypatch)
    assert store.survey(PROMPTS).finished == PROMPTS
    update_metadata(store)
    assert sorted(found) == sorted(f"{each.name}.json" for each in PROMPTS)


@pytest.mark.parametrize("change", ["new", "again", "gone"])
def test_what_changes_after_the_survey_is_listed(store: PoseStore, change: str) -> None:
    assert store.survey(PROMPTS).finished == PROMPTS
    if change == "gone":
        store.layout.path("waving", ".json").unlink()
    else:
        write(store, PROMPTS[0] if change == "again" else Prompt("bowing", "A person bowing"))
    expected = {"new": 4, "again": 3, "gone": 2}[change]
    before = (store.output / "metadata.jsonl").stat().st_mtime_ns
    update_metadata(store)
    assert len((store.output / "metadata.jsonl").read_text("utf-8").splitlines()) == expected
    assert (store.output / "metadata.jsonl").stat().st_mtime_ns != before


def test_a_folder_that_changed_just_now_is_looked_at_again(store: PoseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in {"", *store.layout.folders()}:
        os.utime(store.output / folder)
    assert store.survey(PROMPTS).finished == PROMPTS
    found = looks(store, monkeypatch)
    update_metadata(store)
    assert len(found) == len(PROMPTS)


def test_a_few_prompts_of_many_are_looked_for_alone(store: PoseStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.survey(PROMPTS).finished == PROMPTS
    monkeypatch.setattr(store_module, "Snapshot", None)
    assert store.survey(PROMPTS[:1]).finished == PROMPTS[:1]


def test_files_that_are_missing_or_no_files_are_unfinished(store: PoseStore) -> None:
    store.layout.path("waving", ".npy").unlink()
    store.layout.path("sitting", ".json").unlink()
    store.layout.path("sitting", ".json").mkdir()
    store.layout.path("kneeling", ".npy").rename(store.output / "elsewhere")
    store.layout.path("kneeling", ".npy").symlink_to(store.output / "elsewhere")
    survey = store.survey(PROMPTS)
    assert (survey.finished, survey.unfinished) == (PROMPTS[2:], PROMPTS[:2])
    assert store.snapshot is None
