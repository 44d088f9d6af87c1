"""A prompt list is parsed once; what is kept of it gives the same prompts, or is parsed again."""

import json
from pathlib import Path

import pytest

from mardm_batch.errors import InputError
from mardm_batch.prompts import parsed_list
from mardm_batch.prompts.parsed_list import PromptSource, read_shard

LINES = [{"caption": f"A person waving {number} “站”", "id": number} for number in range(7)]


@pytest.fixture
def source(tmp_path: Path) -> PromptSource:
    path = tmp_path / "captions.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in [*LINES, LINES[0]]))
    (tmp_path / "kept").mkdir()
    return PromptSource(path, None, "caption", 240, 2)


def keep(source: PromptSource) -> Path:
    folder = source.path.parent / "kept"
    read_shard(source, folder=folder).keep(folder)
    return folder


@pytest.mark.parametrize(("limit", "shard"), [(None, None), (None, 1), (2, None), (3, 2), (100, 0)])
def test_what_was_kept_gives_the_same_prompts(
    source: PromptSource, monkeypatch: pytest.MonkeyPatch, limit: int | None, shard: int | None
) -> None:
    parsed, folder = read_shard(source, limit, shard, 3), keep(source)
    monkeypatch.setattr(parsed_list, "read_prompts", None)
    kept = read_shard(source, limit, shard, 3, folder)
    assert (kept.prompts, kept.merged, kept.warnings) == (parsed.prompts, 1, parsed.warnings)
    assert [dict(each.source) for each in kept.prompts] == [dict(each.source) for each in parsed.prompts]


def test_a_changed_file_or_another_way_to_read_it_is_parsed(source: PromptSource) -> None:
    folder = keep(source)
    other = PromptSource(source.path, None, "index", 240, 1)
    assert [each.name for each in read_shard(other, 1, folder=folder).prompts] == ["000000"]
    source.path.write_text('{"caption": "A person sitting"}\n')
    assert [each.caption for each in read_shard(source, 1, folder=folder).prompts] == ["A person sitting"] * 2


@pytest.mark.parametrize("damage", ["cut", "lines", "name", "header", "caption"])
def test_what_is_damaged_is_parsed_again(source: PromptSource, damage: str) -> None:
    expected = read_shard(source).prompts
    (path,) = keep(source).iterdir()
    header, *lines = path.read_text().splitlines()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-30])
    elif damage == "lines":
        path.write_text("\n".join([header, *lines[:-1]]))
    elif damage == "header":
        path.write_text("\n".join(["[]", *lines]))
    else:
        row = ["../outside", "A person"] if damage == "name" else ["waving", 1]
        path.write_text("\n".join([header, json.dumps(row), *lines[1:]]))
    assert read_shard(source, folder=path.parent).prompts == expected


def test_few_lists_are_kept(source: PromptSource) -> None:
    for number in range(parsed_list.LISTS_KEPT + 3):
        source.path.write_text(f'{{"caption": "A person waving {number}"}}\n')
        folder = keep(source)
    assert len(list(folder.iterdir())) == parsed_list.LISTS_KEPT


def test_a_file_that_cannot_be_read_is_an_error_as_ever(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_shard(PromptSource(tmp_path / "none.txt", None, "caption", 240, 1), folder=tmp_path)
