"""failures.jsonl: appended to when a pose fails, rewritten only when an entry leaves, read one entry per caption."""

import errno
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mardm_batch.dataset import failures as failures_module
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.layout import RECORDS
from mardm_batch.dataset.records import Failure
from mardm_batch.prompts.names import Prompt
from mardm_batch.system.files import DiskFullError

FIRST, SECOND = (Failure(f"A person {n}", n, "sample", "no\u2028") for n in "ab")


@pytest.fixture
def failures(tmp_path: Path) -> FailureList:
    (tmp_path / RECORDS).mkdir()
    return FailureList(tmp_path)


def test_a_failure_is_listed_until_the_pose_succeeds(failures: FailureList) -> None:
    failures.append([FIRST])
    failures.append([SECOND])
    failures.append([SECOND])
    assert failures.read() == [FIRST, SECOND]
    prompts = [Prompt("c", "A person c"), Prompt("b", "A person b")]
    assert failures.failed_prompts(prompts) == ((Prompt("b", "A person b"),), 0)
    failures.remove({("A person a", 1)})
    assert failures.read() == [SECOND]


def test_a_later_failure_of_a_caption_replaces_the_earlier(failures: FailureList) -> None:
    later = Failure(FIRST.caption, FIRST.name, "write", "disk")
    failures.append([FIRST, SECOND])
    failures.append([later])
    assert failures.read() == [later, SECOND]


def test_each_line_has_the_documented_keys(failures: FailureList) -> None:
    failures.append([FIRST])
    (line,) = failures.path.read_text("utf-8").rstrip("\n").split("\n")
    assert json.loads(line) == {"caption": "A person a", "name": "a", "stage": "sample", "error": "no\u2028"}


def test_appending_writes_only_the_new_lines(failures: FailureList, monkeypatch: pytest.MonkeyPatch) -> None:
    failures.append([FIRST])
    monkeypatch.setattr(failures_module, "write_atomically", lambda *_: pytest.fail("the list was rewritten"))
    monkeypatch.setattr(FailureList, "read", lambda _: pytest.fail("the list was read"))
    size = failures.path.stat().st_size
    failures.append([SECOND])
    assert failures.path.stat().st_size < 2.2 * size


def test_a_list_that_loses_no_entry_is_not_rewritten(failures: FailureList, monkeypatch) -> None:
    failures.append([FIRST])
    monkeypatch.setattr(failures_module, "write_atomically", lambda *_: pytest.fail("the list was rewritten"))
    failures.remove({("A person c", 1)})
    assert failures.read() == [FIRST]


def test_invalid_lines_are_ignored(failures: FailureList) -> None:
    lines = [b"\xff", b"{}", b"[1]", b'{"caption": 1, "name": "a", "stage": "text", "error": ""}', b""]
    failures.path.write_bytes(b"\n".join(lines))
    failures.append([FIRST])
    assert failures.read() == [FIRST]


def test_a_line_cut_short_by_a_crash_is_the_only_loss(failures: FailureList) -> None:
    failures.append([FIRST])
    failures.path.write_bytes(failures.path.read_bytes() + b'{"caption": "A per')
    failures.append([SECOND])
    assert failures.read() == [FIRST, SECOND]


def test_a_full_disk_leaves_the_list_unchanged(failures: FailureList, monkeypatch: pytest.MonkeyPatch) -> None:
    failures.append([FIRST])
    opened: Callable = failures_module.open_for_appending

    def nearly_full(path: Path) -> object:
        file = opened(path)

        class Full:
            def __enter__(self) -> "Full":
                return self

            def __exit__(self, *_: object) -> None:
                file.close()

            def __getattr__(self, name: str) -> object:
                return getattr(file, name)

            def write(self, content: bytes) -> int:
                if len(content) > 10:
                    return file.write(content[:10])
                raise OSError(errno.ENOSPC, "No space left on device")

        return Full()

    monkeypatch.setattr(failures_module, "open_for_appending", nearly_full)
    before = failures.path.read_bytes()
    with pytest.raises(DiskFullError) as full:
        failures.append([Failure("A person c", "c", "text", "x" * 7)])
    assert full.value.filename == str(failures.path)
    assert failures.path.read_bytes() == before


def test_shards_append_at_the_same_time(failures: FailureList) -> None:
    def append(shard: int) -> None:
        mine = FailureList(failures.path.parent)
        for number in range(20):
            mine.append([Failure(f"{shard} {number}", "n", "sample", "no")])

    threads = [threading.Thread(target=append, args=(shard,)) for shard in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failures.read()) == 80
