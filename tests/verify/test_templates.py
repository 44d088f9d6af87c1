"""What JSON files have in common is checked once, and nothing that is wrong in one of them is passed over."""

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mardm_batch.dataset.formats.format import PoseContent
from mardm_batch.dataset.formats.json_file import JSON, pose_document
from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.metadata import rebuild_metadata, row_line
from mardm_batch.dataset.records import Pose, PoseDocument, Provenance
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt, file_name
from mardm_batch.verify import templates
from mardm_batch.verify.findings import Kind
from mardm_batch.verify.templates import MARK, Templates
from mardm_batch.verify.verification import verify

PROVENANCE = Provenance("embedded", 1, 8, {"cfg": 2.0, "solver": "euler"}, "0123", "float32")
WAVING = 'A person "waving" \\ ünd 坐着'
PIECES = ('"', ",", "{}", "[", "\\", "null", "1", '"name": "x", ', '"joints": [], ', ', "agreement": 0.5', "\ud800")


def pose(caption: str, **changes: object) -> Pose:
    draw = np.random.default_rng(len(caption))
    columns = {"id": len(caption), "by": "hand"}
    joints = draw.normal(0, 0.4, (22, 3)).astype(np.float32)
    return replace(Pose(Prompt(file_name(caption), caption, columns), joints, 8, 0, agreement=0.25), **changes)


def encoded(pose: Pose) -> bytes:
    return JSON.encode(PoseContent(pose, PoseDocument.of(pose, PROVENANCE), None))


@pytest.mark.parametrize(
    "changes", [{}, {"agreement": None}, {"unknown_words": ("zorbing", "ü")}, {"read_as": "a person"}, {"candidate": 2}]
)
def test_a_template_says_what_the_json_says(changes: dict) -> None:
    known = Templates()
    for each in (pose("A person sitting", **changes), pose(WAVING, **changes)):
        content, name = encoded(each), each.prompt.name
        facts, document = known.facts(content, name), pose_document(content, name)
        assert facts is not None
        assert (facts.caption, facts.template.number) == document.key
        assert facts.joints == document.joints.tobytes()
        assert (facts.source, facts.agreement) == (document.source, document.agreement)
        assert (facts.template.settings, facts.template.unknown_words) == (document.settings(), document.unknown_words)
        assert facts.row(f"{name}.npy") == row_line(f"{name}.npy", document)
    assert len(known.known) == 1


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_is_passed_over(seed: int) -> None:
    draw, known = random.Random(seed), Templates()
    first, name = encoded(pose(WAVING)), file_name(WAVING)
    assert known.facts(first, name) is not None
    understood = 0
    for _ in range(500):
        content = damaged(first, draw)
        facts = known.facts(content, name)
        if facts is not None:
            document = pose_document(content, name)  # it raises where there is damage
            assert (facts.caption, facts.template.number) == document.key
            assert facts.joints == document.joints.tobytes()
            assert (facts.source, facts.agreement) == (document.source, document.agreement)
            assert facts.template.settings == document.settings()
            understood += 1
    assert understood > 10  # another digit, for one, is no damage of the JSON


def damaged(content: bytes, draw: random.Random) -> bytes:
    """The content with bytes that are others, missing, there twice or put in."""
    start = draw.randrange(len(content))
    end = min(start + draw.choice((1, 1, 3, 40, 400)), len(content))
    kind = draw.randrange(4)
    if kind == 0:
        other = bytes(each ^ draw.randrange(1, 8) for each in content[start : start + 1])
        return content[:start] + other + content[start + 1 :]
    if kind == 1:
        return content[:start] + content[end:]
    if kind == 2:
        target = draw.randrange(len(content))
        return content[:target] + content[start:end] + content[target:]
    return content[:start] + draw.choice(PIECES).encode(errors="surrogatepass") + content[start:]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("caption", "\ud800"),
        ("caption", ["A person sitting"]),
        ("name", "waving"),
        ("joints", [[0.5] * 3] * 21),
        ("joints", [[0.5] * 4, [0.5] * 2, *[[0.5] * 3] * 20]),
        ("joints", [[0.1] * 3] * 22),
        ("joints", [[True] * 3] * 22),
        ("joints", [["0.5"] * 3] * 22),
        ("joints", {str(each): [0.5] * 3 for each in range(22)}),
        ("joints", [[1e300] * 3] * 22),
        ("source", None),
        ("source", []),
        ("agreement", "0.5"),
        ("agreement", True),
        ("seed", "1"),
        ("num_joints", 23),
        ("sampling", {"cfg": 2.0, "source": {"id": 1}}),
        ("read_as", MARK),
    ],
)
@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_written_otherwise_is_read_whole(key: str, value: object, is_first: bool) -> None:
    known, usual = Templates(), pose("A person sitting")
    if not is_first:
        assert known.facts(encoded(usual), "sitting") is not None
    document = {**json.loads(encoded(usual)), key: value}
    assert known.facts(json.dumps(document).encode(), "sitting") is None


@pytest.mark.parametrize("key", ["caption", "joints", "name", "source", "agreement", "seed"])
def test_a_key_that_is_there_twice_is_read_whole(key: str) -> None:
    content = encoded(pose("A person sitting"))
    again = json.dumps(json.loads(content)[key]).encode()
    twice = content.rstrip()[:-1] + b', "%s": %s}\n' % (key.encode(), again)
    assert Templates().facts(twice, "sitting") is None


def test_the_number_of_templates_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MAX_TEMPLATES", 3)
    known = Templates()
    for place in range(8):
        assert known.facts(encoded(pose("A person sitting", attempt=place)), "sitting") is not None
        assert len(known.known) <= 3


def test_joints_that_are_spelled_otherwise_are_listed_all_the_same(tmp_path: Path) -> None:
    output, captions = tmp_path / "out", ("A person sitting", "A person waving")
    store = PoseStore(output, (NPY,))
    store.prepare()
    for caption in captions:
        path = output / f"{file_name(caption)}.json"
        store.write(pose(caption), None, PROVENANCE, tmp_path)
    path.write_text(path.read_text("utf-8").replace("]], ", "000]], ", 1), "utf-8")
    assert Templates().facts(path.read_bytes(), path.stem) is not None
    rebuild_metadata(store)
    (tmp_path / "captions.txt").write_text("\n".join(captions), "utf-8")
    assert not verify(output, tmp_path / "captions.txt").problems
    listed = (output / "metadata.jsonl").read_text("utf-8")
    (output / "metadata.jsonl").write_text(listed.replace("0.", "1.", 1), "utf-8")
    assert [each.kind for each in verify(output, tmp_path / "captions.txt").problems] == [Kind.METADATA]
