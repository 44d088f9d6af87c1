"""The summary of a run: read as it was written, and refused in one line where it is something else."""

import json
from pathlib import Path

import pytest

from mardm_batch.dataset.summary import PoseSample, RunSummary

SUMMARY = RunSummary(
    shard="shard-0-of-3",
    sweep="2026-11-27-10-00-00",
    state="incomplete",
    exit_code=1,
    output=Path("/poses"),
    settings={"seed": 3407, "sampling": {"cfg": 1.75}},
    metrics={"poses_done": 3, "poses_per_second": 1.5},
    errors={"sample: ValueError: a": 2},
    unknown_words={"pterodactyl": 1},
    captions_with_unknown_words=1,
    captions_rewritten=2,
    samples=(PoseSample("waving", "A person waving", {"lowest_joint_cm": 0.5}),),
)
KEYS = (
    "shard sweep state exit_code output settings metrics errors unknown_words captions_with_unknown_words "
    "captions_rewritten samples"
)


def test_a_summary_is_read_as_it_was_written() -> None:
    document = json.loads(json.dumps(SUMMARY.to_json()))
    assert list(document) == KEYS.split()
    assert document["samples"] == [
        {"name": "waving", "caption": "A person waving", "measures": {"lowest_joint_cm": 0.5}}
    ]
    assert RunSummary.from_json(document) == SUMMARY


def test_metrics_that_are_no_finite_numbers_are_left_out() -> None:
    document = {**SUMMARY.to_json(), "metrics": {"a": float("nan"), "b": "fast", "c": 2}}
    assert RunSummary.from_json(document).metrics == {"c": 2}


def test_another_document_is_refused_with_its_key() -> None:
    with pytest.raises(ValueError, match="exit_code should be integer"):
        RunSummary.from_json({**SUMMARY.to_json(), "exit_code": "1"})
