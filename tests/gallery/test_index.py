"""The index of poses: what is new, made again, gone or reviewed is told once, and what nearly coincides is found."""

import json
import socket
from pathlib import Path

import numpy as np
import pytest
from tests.gallery.conftest import CAPTIONS, Writer, prompts, random_joints

from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.reviews import Review, ReviewList
from mardm_batch.errors import InputError
from mardm_batch.gallery.__main__ import main
from mardm_batch.gallery.blocks import duplicate_groups, next_block
from mardm_batch.gallery.duplicates import near_duplicates
from mardm_batch.gallery.index import PoseIndex
from mardm_batch.gallery.page import folder_names, open_folders, retry_command, static_page
from mardm_batch.prompts.names import Prompt


def names(block: dict) -> list[str]:
    return block["name"]


@pytest.fixture
def index(folder: Path) -> PoseIndex:
    index = PoseIndex(open_folders([folder]))
    index.refresh()
    return index


def test_every_pose_is_told_once_with_its_measures(index: PoseIndex) -> None:
    block = next_block(index, 0)
    assert sorted(block["caption"]) == sorted(CAPTIONS)
    assert (block["more"], block["complete"]) == (False, True)
    assert set(block["numbers"]) >= {"bones", "lowest", "limits", "unknown", "balance"}
    assert block["caption"][int(np.argmax(block["numbers"]["bones"]))] == CAPTIONS[-1]
    assert sum(block["numbers"]["unknown"]) == 2
    others = [
        sum(values) for values in zip(*(block["numbers"][key] for key in ("limits", "balance", "inside")), strict=True)
    ]
    assert [doubts > 0 for doubts in block["numbers"]["doubts"]] == [
        unknown + other > 0 for unknown, other in zip(block["numbers"]["unknown"], others, strict=True)
    ]
    assert set(block["words"]["unknown"]) == {"", "pose"}
    assert set(block["categories"]["source.set"]) == {"part 0", "part 1", "part 2"}
    assert next_block(index, block["revision"])["ids"] == []


def test_changes_are_told_since_a_revision(index: PoseIndex, folder: Path) -> None:
    first = next_block(index, 0)
    writer = Writer(folder.with_name("other"))
    writer.into(folder)  # another run, into the same folder
    prompt = prompts()[10]
    writer.write(prompt, random_joints(99), rejections=1)
    writer.write(Prompt("new", "A new pose"), random_joints(100))
    for suffix in (".json", ".npy", ".png"):
        (folder / f"{prompts()[11].name}{suffix}").unlink()
    ReviewList(folder).append([Review(prompts()[12].name, "accept", "good")])
    index.refresh()
    block = next_block(index, first["revision"])
    changed = dict(zip(block["name"], zip(block["removed"], block["verdict"], strict=True), strict=True))
    assert changed == {
        prompt.name: (0, ""),
        "new": (0, ""),
        prompts()[11].name: (1, ""),
        prompts()[12].name: (0, "accept"),
    }
    index.refresh()
    assert next_block(index, block["revision"])["ids"] == []


def test_a_verdict_goes_with_the_rejected_pose(index: PoseIndex, folder: Path) -> None:
    prompt = prompts()[5]
    ReviewList(folder).append([Review(prompt.name, "reject")])
    index.refresh()
    assert next_block(index, 0)["verdict"].count("reject") == 1
    writer = Writer(folder.with_name("other"))
    writer.into(folder)  # another run, into the same folder
    writer.write(prompt, random_joints(99), rejections=1)
    index.refresh()
    assert "reject" not in next_block(index, 0)["verdict"]


def test_damaged_files_and_strangers_are_passed_over(index: PoseIndex, folder: Path) -> None:
    (folder / "stranger.json").write_text("{}")
    (folder / "stranger.npy").touch()
    (folder / f"{prompts()[0].name}.json").write_text("no JSON")
    index.refresh()
    assert "stranger" not in next_block(index, 0)["name"]


@pytest.mark.filterwarnings("error")
def test_joints_that_are_no_body_are_shown_too(index: PoseIndex, folder: Path) -> None:
    writer = Writer(folder.with_name("other"))
    writer.into(folder)
    for number, joints in enumerate((np.zeros((22, 3)), random_joints(1) * 1e38)):
        writer.write(prompts()[number], joints)
    index.refresh()
    block = next_block(index, 0)
    assert len(block["ids"]) == len(CAPTIONS)
    assert json.dumps(block, allow_nan=False)


def test_near_duplicates_are_those_of_a_plain_search() -> None:
    rng = np.random.default_rng(0)
    poses = np.concatenate([rng.normal(size=(300, 22, 3)), rng.normal(size=(40, 22, 3)) * 0.01]).astype(np.float32)
    groups = near_duplicates(poses, 0.05)
    distances = np.sqrt(((poses[:, None] - poses[None]) ** 2).sum(-1).mean(-1))
    np.fill_diagonal(distances, np.inf)
    assert sorted(row for group in groups for row in group) == np.nonzero(distances.min(axis=1) <= 0.05)[0].tolist()
    for group in groups:
        assert all(distances[row, group].min() <= 0.05 for row in group)
    assert near_duplicates(poses[:1]) == []


def test_the_same_pose_of_two_folders_is_a_duplicate(folder: Path, filled: Path) -> None:
    index = PoseIndex(open_folders([folder, filled]))
    index.refresh()
    groups = duplicate_groups(index)
    assert len(groups) >= len(CAPTIONS) - 5
    assert all(index.entries[group[0]].caption for group in groups)


def test_a_static_page_holds_all_poses_and_escapes_them(index: PoseIndex, folder: Path) -> None:
    page = static_page(index, folder.parent / "page.html")
    assert page.count("<script") == 3  # settings, one block, the script
    assert "onerror=" not in page.replace("\\u003c", "")[: page.index("application/json")]
    assert '"pictures": "poses/"' in page
    assert '"pictures": null' in static_page(index, folder.parent / "elsewhere" / "page.html")


def test_folders_are_named_by_what_tells_them_apart() -> None:
    paths = [Path(each) for each in ("/runs/1.0/poses", "/runs/3.0/poses")]
    assert folder_names(paths[:1]) == ["poses"]
    assert folder_names(paths) == ["1.0/poses", "3.0/poses"]
    assert folder_names([Path("/runs/1.0"), Path("/runs/3.0")]) == ["1.0", "3.0"]


def test_a_folder_that_is_not_there_or_empty_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="no such folder"):
        open_folders([tmp_path / "nothing"])
    with pytest.raises(InputError, match="no finished poses"):
        static_page(PoseIndex(open_folders([tmp_path])), tmp_path / "page.html")
    with pytest.raises(SystemExit, match="2"):
        main([str(tmp_path)])
    assert "no finished poses and no record of a run" in capsys.readouterr().err
    (tmp_path / RECORDS).mkdir()  # a run has begun
    open_folders([tmp_path])[0].check_shown()


def test_a_port_that_cannot_be_served_at_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        for port, words in (
            (str(taken.getsockname()[1]), "in use; without --port a free one is taken"),
            ("http", "'http' is not a port"),
            ("65536", "'65536' is not a port"),
        ):
            with pytest.raises(SystemExit, match="2"):
                main([str(folder), "--port", port])
            (line,) = capsys.readouterr().err.splitlines()
            assert words in line


def test_the_command_that_makes_rejected_poses_again_is_that_of_the_newest_run(folder: Path) -> None:
    assert retry_command(folder) == f"python -m mardm_batch … paths.output={folder} retry=rejected"
    run = folder.parent / "run"
    (run / ".hydra").mkdir(parents=True)
    (run / ".hydra" / "overrides.yaml").write_text(
        "- +preset=fast\n- shard=0\n- paths.output=my poses\n- retry=failed\n"
    )
    (run / ".hydra" / "config.yaml").write_text("paths: {output: my poses}\n")
    (run / ".hydra" / "hydra.yaml").write_text(json.dumps({"hydra": {"runtime": {"cwd": str(folder.parent)}}}))
    record = {"shard": "all", "run_folder": str(run), "state": "finished"}
    (folder / ".mardm_batch" / "progress" / "all.json").write_text(json.dumps(record))
    copied = f"cd {folder.parent} && python -m mardm_batch +preset=fast paths.output={folder} retry=rejected"
    assert retry_command(folder) == copied  # the run wrote to another folder
    original = folder.rename(folder.with_name("my poses"))
    command = f"cd {folder.parent} && python -m mardm_batch +preset=fast 'paths.output=my poses' retry=rejected"
    assert retry_command(original) == command


def test_what_was_read_is_known_the_next_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mardm_batch.gallery.index.LEAST_KEPT", 1)
    read: list[str] = []

    def shown() -> dict:
        index = PoseIndex(open_folders([folder]))
        store, read[:] = index.folders[0].store, []
        plain = store.read
        store.read = lambda name: (read.append(name), plain(name))[1]
        index.refresh()
        return next_block(index, 0)

    first = shown()
    assert sorted(read) == sorted(first["name"])
    assert (shown(), read) == (first, [])
    writer, prompt = Writer(folder.with_name("other")), prompts()[10]
    writer.into(folder)
    writer.write(prompt, random_joints(99))  # made again
    (folder / f"{prompts()[11].name}.json").unlink()
    changed = shown()
    assert read == [prompt.name]
    assert set(first["name"]) - set(changed["name"]) == {prompts()[11].name}
    assert changed["joints"] != first["joints"]
    cache = folder / ".mardm_batch" / "gallery.npz"
    content = cache.read_bytes()
    for damaged in (b"", content[:-200], b"PK" + content[5:], content.replace(b'"caption"', b'"caption_"')):
        cache.write_bytes(damaged)
        assert shown() == changed
        assert len(read) == len(changed["name"])
    monkeypatch.setattr("mardm_batch.overview.cache.__version__", "another")
    shown()
    assert len(read) == len(changed["name"])


def test_a_folder_in_the_place_of_the_reviews_is_named_with_what_sets_it_aside(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "reviews.jsonl").mkdir()
    with pytest.raises(SystemExit) as ended:
        main([str(folder), "--static", str(tmp_path / "page.html")])
    advice = f"is a folder, not a regular file; python -m mardm_batch.verify {folder} --repair sets it aside"
    assert (ended.value.code, capsys.readouterr().err) == (2, f"error: {folder}/reviews.jsonl: {advice}\n")
