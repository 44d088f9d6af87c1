"""Which poses a run makes, by what is finished with which settings and by what the user allows."""

import errno
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.support import write_captions

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.schema import Config
from mardm_batch.dataset.failures import FailureList
from mardm_batch.dataset.records import Failure, Pose, Provenance
from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.generate import generate
from mardm_batch.launch.jobs import Job, check_jobs
from mardm_batch.prompts.names import Prompt
from mardm_batch.registries import register_schemas
from mardm_batch.run.reading import open_store, read_run_prompts
from mardm_batch.run.shard import check_loaded_weights, failed_prompts, select_pending, survey_poses
from mardm_batch.sampling.provenance import pose_provenance, settings_provenance

register_schemas()
CAPTIONS = ["A person waving", "A person sitting", "A person lying"]

Settings = Callable[..., Config]


@pytest.fixture
def settings(tmp_path: Path, tiny_weights: Path) -> Settings:
    """The settings of a run in an empty folder with the tiny model and these words."""
    write_captions(tmp_path, CAPTIONS)
    paths = [f"paths.prompts={tmp_path}/captions.txt", f"paths.output={tmp_path}/poses", "render.enabled=false"]

    def with_words(*words: str) -> Config:
        model = [] if any(word.startswith("model=") for word in words) else [f"model.weights={tiny_weights}"]
        return to_config(compose_config([*paths, *model, *words]))

    return with_words


def finish(config: Config, captions: int = 2, provenance: Provenance | None = None) -> None:
    """The first poses, as a run with these settings leaves them."""
    store = open_store(config)
    store.prepare()
    staging = store.output.parent / "staging"
    staging.mkdir(exist_ok=True)
    for prompt in read_run_prompts(config).prompts[:captions]:
        pose = Pose(prompt, np.zeros((22, 3), np.float32), config.sampling.chosen_frame, 0)
        store.write(pose, None, provenance or pose_provenance(config), staging)


def pending(config: Config, requested: tuple[Prompt, ...] | None = None) -> list[str]:
    prompts = read_run_prompts(config).prompts
    survey = survey_poses(prompts, open_store(config), config)
    selected = select_pending(prompts if requested is None else requested, survey, config)
    return [prompt.caption for prompt in selected]


OTHER: dict[str, tuple[tuple[str, ...], str]] = {
    "seed": (("seed=1",), "(seed: the folder's 3407, this command's 1)"),
    "guidance": (("sampling.cfg=3",), "cfg: the folder's 1.75, this command's 3.0"),
    "preset": (("+preset=fast",), "sequence_length: the folder's 16, this command's 8"),
    "frame": (("sampling.frame_index=2",), "(frame_index: the folder's 8, this command's 2)"),
    "solver": (("model.solver=euler",), "solver: the folder's adams, this command's euler"),
    "model": (("model=mardm_sit_xl",), "model: the folder's embedded, this command's MARDM_SiT_XL"),
    "model of another kind": (("model=mardm_ddpm_xl",), "model: the folder's embedded, this command's MARDM_DDPM_XL"),
    "weights": (("model=embedded",), "(weights_sha256: the folder's "),
    "weights that are not there": (
        ("model=embedded", "model.weights=nowhere", "seed=1"),
        "(seed: the folder's 3407, this command's 1)",
    ),
    "adjusting": (("sampling.adjust=false",), "adjust: the folder's true (version 5), this command's false"),
    "precision": (("sampling.precision=bfloat16",), "precision: the folder's none, this command's bfloat16"),
}


@pytest.mark.parametrize("kind", OTHER)
def test_poses_of_other_settings_are_refused_with_what_differs_and_the_ways_on(settings: Settings, kind: str) -> None:
    words, difference = OTHER[kind]
    finish(settings())
    for retry in ("null", "failed"):
        with pytest.raises(InputError) as caught:
            pending(settings(*words, f"retry={retry}"), requested=())
        message = str(caught.value)
        assert "2 of 2 finished poses were made otherwise" in message
        assert difference in message
        assert "\n" not in message
        for way in ("existing=keep", "existing=overwrite", "another paths.output"):
            assert way in message


def test_lines_of_the_list_of_failures_that_are_none_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failures, prompts = FailureList(tmp_path), [Prompt("b", "A person b"), Prompt("a", "A person a")]
    listed = json.dumps(Failure("A person a", "a", "sample", "it broke").to_json())
    failures.path.write_text("\n".join(["[" * 100_000, '{"caption": 1, "name": []}', "", listed]))
    assert failed_prompts(failures, prompts) == (prompts[1],)
    assert caplog.messages == [f"{failures.path}: lines that are not failures and are ignored: 2"]


def test_a_sweep_of_other_settings_is_refused_before_it_starts(settings: Settings) -> None:
    finish(settings())
    with pytest.raises(
        InputError, match=r"1 of 1 finished pose was made otherwise \(seed: the folder's 3407, this command's 1\)"
    ):
        check_jobs([Job(shard, [], settings("seed=1", f"shard={shard}")) for shard in range(3)])
    check_jobs([Job(shard, [], settings("seed=1", "existing=keep", f"shard={shard}")) for shard in range(3)])


@pytest.mark.parametrize("setting", ["paths.output", "paths.temp"])
def test_a_sweep_is_refused_before_it_starts_where_its_folders_can_be_none(
    settings: Settings, tmp_path: Path, setting: str
) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(InputError, match=rf"^{setting}=.*link: cannot be written to: .* is a link to nowhere"):
        check_jobs([Job(0, [], settings(f"{setting}={tmp_path}/link"))])


@pytest.mark.parametrize(
    ("existing", "expected"), [("keep", CAPTIONS[2:]), ("overwrite", CAPTIONS), ("skip", None), ("error", None)]
)
def test_the_user_says_what_becomes_of_poses_of_other_settings(
    settings: Settings, existing: str, expected: list[str] | None
) -> None:
    finish(settings())
    config = settings("seed=1", f"existing={existing}")
    if expected is None:
        with pytest.raises(InputError):
            pending(config)
    else:
        assert pending(config) == expected


@pytest.mark.parametrize("existing", ["skip", "keep"])
def test_poses_of_the_same_settings_are_skipped(settings: Settings, existing: str) -> None:
    assert pending_of_new_folder(settings) == CAPTIONS
    finish(settings())
    assert pending(settings(f"existing={existing}", "cpu_threads=1", "sampling.batch_size=2")) == CAPTIONS[2:]


def pending_of_new_folder(settings: Settings) -> list[str]:
    open_store(settings()).prepare()
    return pending(settings())


def test_poses_of_several_other_runs_are_all_named(settings: Settings) -> None:
    finish(settings("seed=5"), captions=3)
    finish(settings("seed=6"), captions=1)
    with pytest.raises(InputError, match=r"3 of 3 .*\(seed: the folder's 6 or 5, this command's 3407\)"):
        pending(settings())


def test_poses_of_another_program_are_other_poses(settings: Settings) -> None:
    finish(settings(), captions=1)
    path = open_store(settings()).output / "waving.json"
    path.write_text(json.dumps(dict(list(json.loads(path.read_text()).items())[:5])))
    with pytest.raises(InputError, match="model: the folder's none, this command's embedded"):
        pending(settings())


def test_weights_that_are_known_only_when_loaded_are_compared_then(settings: Settings) -> None:
    config = settings("model=mardm_sit_xl")
    provenance = settings_provenance(config)
    theirs, ours = (replace(provenance, weights_sha256=digit * 64, precision="float32") for digit in "ab")
    finish(config, provenance=theirs)
    prompts, store = read_run_prompts(config).prompts, open_store(config)
    assert pending(config) == CAPTIONS[2:]
    check_loaded_weights(prompts, store, config, theirs)
    check_loaded_weights(prompts, store, config, replace(theirs, precision="bfloat16"))  # as this machine chose
    with pytest.raises(InputError, match=r"\(weights_sha256: the folder's aaaaaaaa, this command's bbbbbbbb\)"):
        check_loaded_weights(prompts, store, config, ours)
    check_loaded_weights(prompts, store, settings("model=mardm_sit_xl", "existing=keep"), ours)


def test_a_folder_that_cannot_be_listed_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: object) -> None:
        raise OSError(5, "Input/output error")

    open_store(settings()).prepare()
    monkeypatch.setattr("mardm_batch.dataset.layouts.layout.Layout.look", failing)
    with pytest.raises(InputError, match=r"paths\.output=.*: cannot be read: Input/output error"):
        pending(settings())


def test_gpus_that_are_not_there_are_refused_before_anything_starts(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    with pytest.raises(ConfigurationError, match=r"gpu_ids=\[9\]: there is no GPU 9: none is visible"):
        generate(settings("gpu_ids=[9]"), tmp_path, None)
    assert [path.name for path in tmp_path.iterdir()] == ["captions.txt"]


@pytest.mark.parametrize("name", ["file", "b" * 300])
def test_folders_that_can_be_none_are_refused_before_anything_is_written(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="paths.temp=.*: cannot be written to: (.*file is not a folder|File name too)"):
        generate(settings(f"paths.temp={tmp_path}/{name}"), tmp_path, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["captions.txt", "file"]


def test_a_folder_that_may_not_be_entered_is_one_line(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    store = open_store(settings())
    monkeypatch.setattr(Path, "lstat", refuse)
    with pytest.raises(InputError, match="paths.output=.*poses: cannot be written to: Permission denied"):
        store.prepare()
