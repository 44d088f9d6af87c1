"""Where the files of poses lie: every layout is written, resumed, audited and moved alike."""

import base64
import json
import os
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.layouts import block, shards
from mardm_batch.dataset.layouts.nested import FOLDERS, folder_of
from mardm_batch.dataset.layouts.registry import check_layout, record_layout
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.records import Outcome, Pose, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import InputError
from mardm_batch.export.exporting import export_poses
from mardm_batch.export.formats.format import ExportOptions
from mardm_batch.export.formats.registry import format_for
from mardm_batch.gallery.blocks import columns_of
from mardm_batch.gallery.index import OutputFolder, PoseIndex
from mardm_batch.overview.cache import keep_while_read
from mardm_batch.pose.geometry import Joints
from mardm_batch.prompts.names import Prompt
from mardm_batch.relayout import main, relayout
from mardm_batch.verify.findings import Kind
from mardm_batch.verify.verification import verify

SETTINGS = Provenance("embedded", 1, 8, {"cfg": 2.0}, "0123", "float32")
JOINTS = np.random.default_rng(0).normal(size=(22, 3)).astype(np.float32)
PROMPTS = tuple(Prompt(f"waving_{number}", f"A person waving {number}") for number in range(5))
"""Their names are those of their captions."""


def make(folder: Path, layout: str) -> PoseStore:
    store = PoseStore(folder / "poses", (NPY,), layout=layout)
    store.prepare()
    run(store, PROMPTS)
    rebuild_metadata(store)
    return store


def run(
    store: PoseStore,
    prompts: Sequence[Prompt],
    owner: str = "all",
    kill_after: int | None = None,
    joints: Joints = JOINTS,
) -> None:
    """Write poses as a run does; one that is killed brings nothing to its end."""
    staging = store.output.parent / "staging"
    staging.mkdir(exist_ok=True)
    store.ledger.read_own(owner)
    store.layout.start(owner, store.suffixes)
    for number, prompt in enumerate(prompts):
        if number == kill_after:
            return
        pose = Pose(prompt, joints, 8, 0)
        finished = store.write(pose, None, SETTINGS, staging)
        list(store.noted([Outcome(pose, None, {}, finished)]))
    with store.settling():
        pass
    store.ledger.close()


def joints_of(columns: dict[str, Any]) -> NDArray[np.int16]:
    """Those of poses in columns, (n, 66) millimetres."""
    return np.frombuffer(base64.b64decode(columns["joints"]), "<i2").reshape(-1, 66)


def listed(output: Path) -> list[str]:
    return [json.loads(line)["file_name"] for line in (output / "metadata.jsonl").read_text().splitlines()]


def test_a_nested_folder_has_its_poses_in_folders_by_their_names(tmp_path: Path) -> None:
    store = make(tmp_path, "nested")
    files = sorted(path.relative_to(store.output).as_posix() for path in store.output.glob("??/*.json"))
    assert files == sorted(f"{folder_of(each.name)}/{each.name}.json" for each in PROMPTS)
    assert not list(store.output.glob("*.json"))
    assert listed(store.output) == [f"{folder_of(each.name)}/{each.name}.npy" for each in PROMPTS]
    assert all((store.output / file).is_file() for file in listed(store.output))


def test_the_folder_of_a_name_is_what_other_programs_compute_too() -> None:
    # printf waving_0 | sha256sum | xxd -r -p | base32 | cut -c1-2 | tr A-Z a-z
    import hashlib

    for each in PROMPTS:
        assert (
            folder_of(each.name) == base64.b32encode(hashlib.sha256(each.name.encode()).digest())[:2].decode().lower()
        )


@pytest.mark.parametrize("layout", ["flat", "nested", "shards"])
def test_every_layout_is_surveyed_audited_exported_and_shown(tmp_path: Path, layout: str) -> None:
    store = make(tmp_path, layout)
    found = PoseStore(store.output, (NPY,))
    assert layout == found.layout.NAME
    assert found.survey(PROMPTS, SETTINGS).finished == PROMPTS
    report = verify(store.output)
    assert (report.problems, report.counts.found) == ([], 5)
    assert [each.kind for each in report.notes if each.kind != "pose that was not requested"] == []
    index = PoseIndex([OutputFolder(store.output, {})])
    index.refresh()
    assert sorted(each.name for each in index.entries) == [each.name for each in PROMPTS]


@pytest.mark.parametrize("layout", ["flat", "nested", "shards"])
def test_the_gallery_reads_only_what_is_newer_than_the_lists(
    tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mardm_batch.overview.cache.LEAST_KEPT", 1)

    def shown() -> tuple[dict[str, Any], list[str]]:
        """The columns of the poses, and the names of those that were read."""
        index = PoseIndex([OutputFolder(store.output, {})])
        read, plain = list[str](), index.folders[0].store.read
        monkeypatch.setattr(index.folders[0].store, "read", lambda name: (read.append(name), plain(name))[1])
        index.refresh()
        return columns_of(index.entries), read

    store = make(tmp_path, layout)
    plain, _ = shown()
    rebuild_metadata(store, keep_while_read(store.output, {}))
    assert shown() == (plain, [])
    run(store, PROMPTS[3:4], joints=JOINTS[::-1])
    altered, read = shown()
    assert read == (["waving_3"] if store.layout.HAS_FILES else plain["name"])
    assert (joints_of(altered) != joints_of(plain)).any(axis=1).tolist() == [False, False, False, True, False]


def test_damage_in_a_nested_folder_is_found_and_set_aside(tmp_path: Path) -> None:
    store = make(tmp_path, "nested")
    store.layout.path("waving_1", ".npy").write_bytes(b"damaged")
    store.layout.path("waving_2", ".json").unlink()
    elsewhere = store.output / folder_of("waving_3") / "nodding.json"
    elsewhere.write_text("{}")
    where = {each.where for each in verify(store.output).problems}
    assert {store.layout.place("waving_1", ".npy"), store.layout.place("waving_2", ".npy")} <= where
    assert elsewhere.relative_to(store.output).as_posix() in where
    verify(store.output, repair=True)
    assert verify(store.output).problems == []
    assert PoseStore(store.output, (NPY,)).survey(PROMPTS).unfinished == PROMPTS[1:3]


def test_a_folder_is_moved_to_another_layout_and_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = make(tmp_path, "flat")
    (store.output / "contact_sheet.png").write_bytes(b"theirs")
    before = {path.name: (path.stat().st_ino, path.read_bytes()) for path in store.output.glob("waving*")}
    for layout, pattern in (("nested", "??/waving*"), ("flat", "waving*")):
        assert main([str(store.output), "--to", layout]) == 0
        assert f"5 poses moved, the layout is {layout}" in capsys.readouterr().out
        moved = {path.name: (path.stat().st_ino, path.read_bytes()) for path in store.output.glob(pattern)}
        assert moved == before
        again = PoseStore(store.output, (NPY,))
        assert again.survey(PROMPTS, SETTINGS).finished == PROMPTS
        assert listed(store.output) == [again.layout.place(each.name, ".npy") for each in PROMPTS]
        assert relayout(store.output, layout) == ((), ())
    assert (store.output / "contact_sheet.png").exists()
    assert [path.name for path in store.output.iterdir() if path.is_dir()] == [".mardm_batch"]


def test_a_move_that_was_interrupted_is_finished_before_anything_else(tmp_path: Path) -> None:
    store = make(tmp_path, "flat")

    def killed(names: object) -> object:
        yield "waving_0"
        record = store.output / ".mardm_batch" / "layout.json"
        assert json.loads(record.read_text()) == {"layout": "flat", "moving_to": "nested"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        relayout(store.output, "nested", killed)
    target = PoseStore(store.output, (NPY,)).layout
    nested = store.output / folder_of("waving_1")
    (store.output / "waving_1.npy").rename(nested / "waving_1.npy")  # killed within a pose
    for layout in ("flat", "nested"):
        with pytest.raises(InputError, match="interrupted.*--to nested"):
            check_layout(store.output, layout)
    with pytest.raises(InputError, match="interrupted.*--to nested"):
        relayout(store.output, "flat")
    assert target.NAME == "flat"
    assert len(relayout(store.output, "nested")[0]) == 4
    assert PoseStore(store.output, (NPY,)).survey(PROMPTS).finished == PROMPTS


def test_a_run_never_mixes_layouts(tmp_path: Path) -> None:
    store = make(tmp_path, "flat")
    with pytest.raises(InputError, match=r"output\.layout=nested: the poses in .* have the layout flat;.*--to nested"):
        check_layout(store.output, "nested")
    check_layout(store.output, "flat")
    record_layout(store.output, "nested")
    with pytest.raises(InputError, match=r"output\.layout=flat: .* layout nested; use output\.layout=nested"):
        check_layout(store.output, "flat")
    check_layout(tmp_path / "new", "nested")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (Path.unlink, "is missing, but the poses have the layout {}"),
        (lambda path: path.write_text("[]"), "names no layout"),
        (lambda path: path.write_text('{"layout": "xyz"}'), "names no layout"),
        (lambda path: path.write_text('{"layout": "flat"}'), "says flat, but the poses have the layout {}"),
        (lambda path: (path.unlink(), os.mkfifo(path)), "names no layout"),
        (lambda path: (path.unlink(), path.mkdir()), "names no layout"),
    ],
)
@pytest.mark.parametrize("layout", ["nested", "shards"])
def test_a_damaged_record_is_named_and_restored_by_where_the_poses_lie(
    tmp_path: Path, layout: str, damage, reason: str
) -> None:
    store = make(tmp_path, "flat")
    relayout(store.output, layout)
    damage(store.output / ".mardm_batch" / "layout.json")
    reason = reason.format(layout)
    with pytest.raises(
        InputError, match=rf"layout\.json {reason}; python -m mardm_batch\.verify .* --repair restores it"
    ):
        check_layout(store.output, "flat")
    before = verify(store.output)
    assert [each.detail for each in before.problems] == [reason]
    assert before.counts.found == len(PROMPTS)
    verify(store.output, repair=True)
    assert json.loads((store.output / ".mardm_batch" / "layout.json").read_text()) == {"layout": layout}
    assert verify(store.output).problems == []
    check_layout(store.output, layout)
    assert PoseStore(store.output, (NPY,)).survey(PROMPTS, SETTINGS).finished == PROMPTS


def test_a_damaged_record_of_a_flat_folder_is_set_aside(tmp_path: Path) -> None:
    store = make(tmp_path, "flat")
    record = store.output / ".mardm_batch" / "layout.json"
    record.write_text("[]")
    with pytest.raises(InputError, match=r"layout\.json names no layout"):
        check_layout(store.output, "flat")
    verify(store.output, repair=True)
    assert not record.exists()
    check_layout(store.output, "flat")


def test_the_wanted_layout_stands_for_a_missing_record(tmp_path: Path) -> None:
    store = make(tmp_path, "flat")
    relayout(store.output, "nested")
    (store.output / ".mardm_batch" / "layout.json").unlink()
    check_layout(store.output, "nested")


@pytest.mark.parametrize(("layout", "other"), [("nested", "flat"), ("flat", "nested"), ("flat", "shards")])
def test_poses_that_lack_files_stay_behind_and_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], layout: str, other: str
) -> None:
    store = make(tmp_path, layout)
    store.layout.path("waving_0", ".npy").unlink()
    (store.output / "theirs.json").write_text("{}")
    assert main([str(store.output), "--to", other]) == 1
    said = capsys.readouterr()
    assert f"4 poses moved, the layout is {other}\n" in said.out
    assert said.err == "error: not moved, as files are missing: 1 pose (waving_0); the next run makes them anew\n"
    assert store.layout.path("waving_0", ".json").exists()
    check_layout(store.output, other)


def remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def link_elsewhere(path: Path) -> None:
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


@pytest.mark.parametrize(
    ("place", "put", "to"),
    [
        (".mardm_batch", link_elsewhere, "nested"),
        (".mardm_batch/progress", lambda path: (remove(path), path.touch()), "nested"),
        (".mardm_batch/all.lock", Path.mkdir, "nested"),
        (".mardm_batch/metadata.lock", lambda path: (remove(path), os.mkfifo(path)), "nested"),
        (".mardm_batch/failures.lock", lambda path: path.symlink_to("nowhere"), "shards"),
        (".mardm_batch/layout.json", Path.mkdir, "nested"),
        ("failures.jsonl", Path.mkdir, "nested"),
        ("reviews.jsonl", Path.mkdir, "nested"),
        ("metadata.jsonl", lambda path: (remove(path), path.mkdir()), "shards"),
        (folder_of("waving_3"), Path.touch, "nested"),
        ("all-00000.tar", Path.mkdir, "shards"),
    ],
)
def test_nothing_is_moved_where_something_is_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, put, to: str
) -> None:
    store = make(tmp_path, "flat")
    put(store.output / place)
    before = sorted(path for path in store.output.rglob("*") if path.suffix != ".lock")
    with pytest.raises(SystemExit) as ended:
        main([str(store.output), "--to", to])
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert place in error
    assert f"python -m mardm_batch.verify {store.output} --repair" in error
    assert before == sorted(path for path in store.output.rglob("*") if path.suffix != ".lock")
    verify(store.output, repair=True)
    assert main([str(store.output), "--to", to]) == 0
    assert "5 poses moved" in capsys.readouterr().out


def test_a_folder_in_the_place_of_a_file_is_named_before_anything_is_moved(tmp_path: Path) -> None:
    store = make(tmp_path, "nested")
    (store.output / "waving_3.npy").mkdir()
    with pytest.raises(InputError, match=r"waving_3\.npy is a folder in the place of a file: move it away"):
        relayout(store.output, "flat")
    check_layout(store.output, "nested")
    assert store.survey(PROMPTS).finished == PROMPTS


def test_the_many_folders_of_another_layout_are_one_line(tmp_path: Path) -> None:
    store = make(tmp_path, "flat")
    for folder in (*FOLDERS, "theirs"):
        (store.output / folder).mkdir()
    notes = [(each.where, each.detail) for each in verify(store.output).notes if "folder" in each.kind]
    assert notes == [("22 … zz", "1,024 folders of the layout nested"), ("theirs", "")]


def test_a_folder_without_poses_cannot_be_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "missing"), "--to", "nested"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("layout", "place", "make_obstacle"),
    [
        ("nested", folder_of("waving_0"), Path.touch),
        ("nested", folder_of("waving_0"), lambda path: path.symlink_to(path.name)),
        ("shards", "all-00000.tar", Path.mkdir),
        ("shards", "all-00000.tar", os.mkfifo),
        ("shards", "all-00000.tar", lambda path: path.symlink_to(path.name)),
        ("shards", "all-00000.parquet", Path.mkdir),
        ("shards", "all-00001.tar", Path.mkdir),
        ("shards", ".mardm_batch/open", Path.touch),
        ("shards", ".mardm_batch/open/shard-0-of-2", Path.touch),
    ],
)
def test_what_is_in_the_place_of_poses_is_refused_with_what_sets_it_aside(
    tmp_path: Path, layout: str, place: str, make_obstacle
) -> None:
    store = make(tmp_path, layout)
    obstacle = store.output / place
    remove(obstacle)
    make_obstacle(obstacle)
    command = f"python -m mardm_batch.verify {store.output} --repair"
    with pytest.raises(InputError, match=f"^paths.output=.* {obstacle} is a .*; {command} sets it aside$"):
        store.prepare()
    assert place in {each.where for each in verify(store.output).problems if each.kind == Kind.MISPLACED}
    verify(store.output, repair=True)
    again = PoseStore(store.output, (NPY,))
    again.prepare()
    run(again, again.survey(PROMPTS).unfinished)
    rebuild_metadata(again)
    assert again.survey(PROMPTS).finished == PROMPTS
    assert verify(store.output).problems == []


def test_pictures_of_a_nested_folder_are_exported(tmp_path: Path) -> None:
    store = PoseStore(tmp_path / "poses", (PNG, NPY), layout="nested")
    store.prepare()
    (tmp_path / "staging").mkdir()
    store.write(Pose(PROMPTS[0], JOINTS, 8, 0), b"\x89PNG\r\n\x1a\n" + bytes(40), SETTINGS, tmp_path / "staging")
    result = export_poses(store.output, format_for("webdataset", ExportOptions()), tmp_path / "exported")
    assert result.poses == 1


# Blocks ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of three poses."""
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(shards, "POSES_PER_BLOCK", 3)


def names_in_tars(output: Path) -> list[str]:
    names = []
    for path in sorted(output.glob("*.tar")):
        with tarfile.open(path) as tar:
            names += [name.removesuffix(".json") for name in tar.getnames() if name.endswith(".json")]
    return names


@pytest.mark.usefixtures("small_blocks")
def test_blocks_are_whole_and_have_a_table_each(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    store = make(tmp_path, "shards")
    files = sorted(path.name for path in store.output.glob("all-*"))
    assert files == ["all-00000.parquet", "all-00000.tar", "all-00001.parquet", "all-00001.tar"]
    assert names_in_tars(store.output) == [each.name for each in PROMPTS]
    rows = [row for path in sorted(store.output.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]
    assert [row["caption"] for row in rows] == [each.caption for each in PROMPTS]
    assert np.array_equal(np.array(rows[0]["joints"], np.float32), JOINTS)
    assert not (store.output / "metadata.jsonl").exists()
    assert list((store.output / ".mardm_batch" / "open" / "all").iterdir()) == []


@pytest.mark.usefixtures("small_blocks")
def test_a_kill_loses_no_pose_and_none_is_there_twice(tmp_path: Path) -> None:
    store = PoseStore(tmp_path / "poses", (NPY,), layout="shards")
    store.prepare()
    run(store, PROMPTS, kill_after=2)
    left = store.layout.landing.path("waving_4", ".npy")
    left.write_bytes(b"half a pose")
    resumed = PoseStore(store.output, (NPY,))
    with resumed.keeping_ledger("all"):
        assert resumed.survey(PROMPTS, SETTINGS).unfinished == PROMPTS[2:]
    run(PoseStore(store.output, (NPY,)), PROMPTS[2:], kill_after=3)
    run(PoseStore(store.output, (NPY,)), ())
    assert sorted(names_in_tars(store.output)) == [each.name for each in PROMPTS]


@pytest.mark.usefixtures("small_blocks")
def test_a_shard_packs_what_a_killed_one_of_another_division_left(tmp_path: Path) -> None:
    store = PoseStore(tmp_path / "poses", (NPY,), layout="shards")
    store.prepare()
    run(store, PROMPTS, "shard-0-of-2", kill_after=2)
    run(PoseStore(store.output, (NPY,)), (), "all")
    assert names_in_tars(store.output) == ["waving_0", "waving_1"]
    assert PoseStore(store.output, (NPY,)).survey(PROMPTS).finished == PROMPTS[:2]


@pytest.mark.usefixtures("small_blocks")
def test_a_pose_that_is_made_again_leaves_its_old_block(tmp_path: Path) -> None:
    store = make(tmp_path, "shards")
    run(PoseStore(store.output, (NPY,)), [PROMPTS[1], PROMPTS[3], PROMPTS[4]])
    assert names_in_tars(store.output) == ["waving_0", "waving_2", "waving_1", "waving_3", "waving_4"]
    assert PoseStore(store.output, (NPY,)).survey(PROMPTS, SETTINGS).finished == PROMPTS


@pytest.mark.usefixtures("small_blocks")
def test_a_table_that_is_missing_or_of_another_tar_is_made_anew(tmp_path: Path) -> None:
    store = make(tmp_path, "shards")
    tables = sorted(store.output.glob("*.parquet"))
    before = [path.read_bytes() for path in tables]
    tables[0].unlink()
    tables[1].write_bytes(before[0])
    assert PoseStore(store.output, (NPY,)).survey(PROMPTS).finished == PROMPTS
    run(PoseStore(store.output, (NPY,)), ())
    assert [path.read_bytes() for path in tables] == before


@pytest.mark.usefixtures("small_blocks")
def test_damage_in_a_tar_is_found_and_its_block_set_aside(tmp_path: Path) -> None:
    store = make(tmp_path, "shards")
    path = store.output / "all-00000.tar"
    content = bytearray(path.read_bytes())
    content[content.index(b'"caption"')] ^= 1
    path.write_bytes(content)
    report = verify(store.output)
    assert {each.where for each in report.problems} == {"all-00000.tar/waving_0.json"}
    verify(store.output, repair=True)
    assert PoseStore(store.output, (NPY,)).survey(PROMPTS).unfinished == PROMPTS[:3]
    assert verify(store.output).problems == []


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: os.truncate(path, 900), lambda path: path.write_text("no")]
)
def test_a_damaged_table_of_a_block_is_found_and_the_next_run_writes_it_again(tmp_path: Path, damage) -> None:
    store = make(tmp_path, "shards")
    assert verify(store.output).problems == []
    damage(store.output / "all-00000.parquet")
    for repair in (False, True):
        (problem,) = verify(store.output, repair=repair).problems
        assert (problem.kind, problem.where) == (Kind.TABLE, "all-00000.parquet")
    again = PoseStore(store.output, (NPY,))
    assert again.survey(PROMPTS).finished == PROMPTS
    run(again, [])
    assert verify(store.output).problems == []


def test_a_file_that_is_named_as_a_folder_of_another_layout_is_an_unknown_file(tmp_path: Path) -> None:
    store = make(tmp_path, "flat")
    (store.output / "me").touch()
    (problem,) = verify(store.output).problems
    assert problem.kind == Kind.UNKNOWN_FILE


@pytest.mark.usefixtures("small_blocks")
def test_poses_are_moved_into_blocks_and_out_of_them(tmp_path: Path) -> None:
    store = make(tmp_path, "flat")
    before = {path.name: path.read_bytes() for path in store.output.glob("waving*")}
    for layout in ("shards", "nested", "shards", "flat"):
        assert len(relayout(store.output, layout)[0]) == 5
        assert PoseStore(store.output, (NPY,)).survey(PROMPTS, SETTINGS).finished == PROMPTS
        assert verify(store.output).problems == []
    assert {path.name: path.read_bytes() for path in store.output.glob("waving*")} == before
    assert not list(store.output.glob("all-*"))


@pytest.mark.usefixtures("small_blocks")
def test_webdataset_and_the_hub_s_library_stream_the_blocks(tmp_path: Path) -> None:
    webdataset, datasets = pytest.importorskip("webdataset"), pytest.importorskip("datasets")
    store = make(tmp_path, "shards")
    tars = [str(path) for path in sorted(store.output.glob("*.tar"))]
    samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode())
    assert [each["json"]["caption"] for each in samples] == [each.caption for each in PROMPTS]
    assert np.array_equal(samples[0]["npy"], JOINTS)
    rows = datasets.load_dataset(str(store.output), split="train", streaming=True, cache_dir=str(tmp_path / "cache"))
    assert [row["caption"] for row in rows] == [each.caption for each in PROMPTS]


def test_blocks_without_pyarrow_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block, "find_spec", lambda name: None)
    with pytest.raises(
        InputError, match=r"output\.layout=shards: needs pyarrow; pip install 'mardm-batch\[parquet\]'$"
    ):
        check_layout(tmp_path, "shards")


@pytest.mark.usefixtures("small_blocks")
def test_poses_that_were_not_requested_leave_their_block_and_the_others_stay(tmp_path: Path) -> None:
    store = make(tmp_path, "shards")
    (tmp_path / "captions.txt").write_text("".join(f"{each.caption}\n" for each in PROMPTS[1:]))
    report = verify(store.output, tmp_path / "captions.txt", prune=True)
    assert report.repair is not None
    assert report.repair.to_generate == 0
    assert sorted(names_in_tars(store.output)) == [each.name for each in PROMPTS[1:]]
    aside = store.output / ".mardm_batch" / "removed" / "1"
    assert sorted(path.name for path in aside.iterdir()) == ["waving_0.json", "waving_0.npy"]
