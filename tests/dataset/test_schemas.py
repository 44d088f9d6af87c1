"""The JSON schemas in docs/ are those of the records, and what is written is valid by them."""

import json
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator, ValidationError

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.metadata import rebuild_metadata
from mardm_batch.dataset.records import Pose, Provenance
from mardm_batch.dataset.schemas import main, schema_files
from mardm_batch.dataset.store import PoseStore
from mardm_batch.prompts.names import Prompt

DOCS = Path(__file__).parents[2] / "docs" / "schemas"


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((DOCS / name).read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder with one pose."""
    store = PoseStore(tmp_path / "poses", (NPY,))
    store.prepare()
    joints = np.random.default_rng(0).normal(size=(22, 3)).astype(np.float32)
    pose = Pose(Prompt("站", "A person 站"), joints, frame_index=8, attempt=1)
    store.write(pose, None, Provenance("embedded", 1, 8, {"cfg": 2.0}, "0123", "float32"), tmp_path)
    rebuild_metadata(store)
    return store.output


def test_the_schemas_in_docs_are_current(tmp_path: Path) -> None:
    main([str(tmp_path)])
    for name, content in schema_files().items():
        assert (DOCS / name).read_bytes() == content == (tmp_path / name).read_bytes()


def test_a_written_pose_and_its_metadata_are_valid(output: Path) -> None:
    validator("pose.schema.json").validate(json.loads((output / "站.json").read_bytes()))
    (line,) = (output / "metadata.jsonl").read_text("utf-8").splitlines()
    validator("metadata.schema.json").validate(json.loads(line))


@pytest.mark.parametrize(("key", "value"), [("joints", [[0, 0, 0]] * 21), ("seed", "1"), ("caption", None)])
def test_a_pose_with_a_wrong_value_is_invalid(output: Path, key: str, value: object) -> None:
    document = json.loads((output / "站.json").read_bytes())
    with pytest.raises(ValidationError):
        validator("pose.schema.json").validate({**document, key: value})


def test_a_pose_that_lacks_a_key_is_invalid(output: Path) -> None:
    document = json.loads((output / "站.json").read_bytes())
    for key in document:
        with pytest.raises(ValidationError, match=key):
            validator("pose.schema.json").validate({name: value for name, value in document.items() if name != key})
