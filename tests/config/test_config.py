"""Settings: what is allowed, and that a mistake is one line and exit code 2, before torch is imported."""

import subprocess
import sys
from pathlib import Path

import pytest
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf
from tests.support import run_in_process

from mardm_batch.cli import help_text
from mardm_batch.config.compose import compose_config, compose_jobs, to_config
from mardm_batch.config.overrides import parse_flags, quote_override
from mardm_batch.config.schema import Config
from mardm_batch.errors import ConfigurationError
from mardm_batch.registries import register_schemas
from mardm_batch.train.settings import register_train_schema

register_schemas()


def config_of(*overrides: str) -> Config:
    return to_config(compose_config(list(overrides)))


def test_defaults_are_those_of_the_contract() -> None:
    config = config_of()
    assert (config.shard, config.num_shards, config.gpu_ids, config.seed, config.limit) == (None, 3, None, 3407, None)
    assert (config.existing, config.retry) == ("skip", None)
    assert (config.prompts.column, config.prompts.names) == (None, "caption")
    assert (config.paths.prompts, config.paths.output, config.paths.temp) == (
        None,
        "SinglePose",
        "SinglePose_temp",
    )
    assert (config.sampling.sequence_length, config.sampling.time_steps) == (16, 18)
    assert (config.sampling.batch_size, config.sampling.frame_index) == ("auto", None)
    assert config.sampling.chosen_frame == 8
    assert config.render.enabled
    assert config.tracking.mode == "auto"


@pytest.mark.parametrize(
    ("preset", "expected"),
    [
        ("fast", {"sequence_length": 8, "time_steps": 10}),
        ("quality", {"sequence_length": 32, "time_steps": 50}),
        ("native", {"sequence_length": 40, "time_steps": 18}),
        ("lowmem", {"sequence_length": 16, "time_steps": 18, "batch_size": 4}),
    ],
)
def test_presets_change_the_sampling(preset: str, expected: dict[str, int]) -> None:
    sampling = config_of(f"+preset={preset}").sampling
    assert {key: getattr(sampling, key) for key in expected} == expected


def test_the_guidance_scale_is_the_model_s_own_and_the_preset_quality_takes_the_stronger_one() -> None:
    assert config_of("model=mardm_sit_xl").sampling.cfg == 4.5
    assert config_of("model=mardm_ddpm_xl", "+preset=quality").sampling.cfg == 5.0
    assert config_of("+preset=quality", "model.cfg_quality=3.5").sampling.cfg == 3.5
    assert config_of("model=mardm_sit_xl", "sampling.cfg=2").sampling.cfg == 2.0


def test_the_command_line_wins_over_a_preset() -> None:
    assert config_of("+preset=fast", "sampling.time_steps=7").sampling.time_steps == 7


BAD_SETTINGS = [
    ("sampling.batch_size=0", ["sampling.batch_size", "0", "at least 1"]),
    ("sampling.batch_size=many", ["sampling.batch_size", "many", "auto"]),
    ("sampling.batch_size=null", ["sampling.batch_size=null", "auto"]),
    ("sampling.sequence_length=10", ["sampling.sequence_length", "10", "multiple of 4"]),
    ("sampling.time_steps=0", ["sampling.time_steps", "0"]),
    ("sampling.cfg=-1", ["sampling.cfg", "-1"]),
    ("sampling.cfg=nan", ["sampling.cfg", "nan"]),
    ("sampling.cfg=strong", ["sampling.cfg=strong", "a number from 0 to 100"]),
    ("gpu_ids=1", ["gpu_ids=1", "a list of different GPU numbers"]),
    ("gpu_ids=[a]", ["gpu_ids=[a]", "a list of different GPU numbers"]),
    ("render.enabled=perhaps", ["render.enabled=perhaps", "true or false"]),
    ("paths.prompts=[1,2]", ["paths.prompts=[1,2]", "text"]),
    ("paths.output=s3://bucket/poses", ["paths.output=s3://bucket/poses", "the path of a folder on this machine"]),
    ("paths.output=", ["paths.output= is empty: it must be the path of a folder"]),
    ("cgf=2", ["cgf: no such setting; did you mean sampling.cfg or model.cfg?"]),
    ("prompts=captions.md", ["did you mean paths.prompts=captions.md?"]),
    ("prompts.names=ids", ["prompts.names", "ids", "caption, id, index"]),
    ("prompts.column=' '", ["prompts.column", "the name of a column"]),
    ("sampling=3", ["sampling=3", "sampling.sequence_length=16"]),
    ("sampling.frame_index=16", ["sampling.frame_index", "16", "0 to 15"]),
    ("shard=3", ["shard", "3", "0 to 2"]),
    ("shard=-1", ["shard", "-1"]),
    ("num_shards=0", ["num_shards", "0"]),
    ("gpu_ids=[]", ["gpu_ids", "[]"]),
    ("gpu_ids=[1,1]", ["gpu_ids", "[1, 1]"]),
    ("gpu_ids=[-1]", ["gpu_ids", "[-1]"]),
    ("limit=0", ["limit", "0"]),
    ("existing=maybe", ["existing", "maybe", "skip, keep, overwrite, error"]),
    ("retry=all", ["retry", "all", "failed"]),
    ("seed=-1", ["seed", "-1"]),
    ("tracking.mode=on", ["tracking.mode", "on", "offline"]),
    ("model.solver=rk5", ["model.solver", "rk5", "dopri5"]),
    ("sampling.precision=float16", ["sampling.precision", "float16", "auto, float32, bfloat16"]),
    ("render.azimuth=500", ["render.azimuth", "500"]),
    ("smapling.cfg=1", ["smapling.cfg", "sampling.cfg"]),
    ("sampling.cgf=1", ["sampling.cgf", "sampling.cfg"]),
    ("+sampling.cgf=1", ["sampling.cgf", "sampling.cfg"]),
    ("~paths.output", ["paths.output"]),
    ("model.download=true", ["model.download", "model=acmdm_flow_s, ", "model=mardm_ddpm_xl, model=mardm_sit_xl"]),
    ("sampling.time_steps=${foo}", ["sampling.time_steps", "foo"]),
    ("model=null", ["model"]),
    ("+preset=3", ["preset"]),
    ("+preset=turbo", ["preset=turbo", "fast, lowmem, native, quality"]),
    ("preset=fast", ["+preset=fast"]),
    ("model=gpt", ["model=gpt", "embedded, mardm_ddpm_xl, mardm_sit_xl"]),
    ("shard=0,1,2", ["shard=0,1,2", "--multirun"]),
    ("sampling.cfg", ["sampling.cfg", "KEY=VALUE"]),
]


@pytest.mark.parametrize(("override", "words"), BAD_SETTINGS)
def test_a_bad_setting_is_refused_in_one_line_that_names_it(override: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        config_of(override)
    message = str(refusal.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    "arguments",
    [
        ["sampling.batch_size=0"],
        ["smapling.cfg=1"],
        ["+preset=turbo"],
        ["--multirun", "shard=0,1,3"],
        ["--cfg", "job", "sedd=1"],
        ["hydra.mode=MULTIRUN"],
        ["--multirun", "model=null"],
        ["+experiment=presets"],
        ["--limit=5"],
        ["--multirun", "shard=0,1,2", "seed=x"],
    ],
)
def test_the_command_ends_with_exit_code_2_and_one_line(arguments: list[str], tmp_path) -> None:
    result = run_in_process(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith("error: ")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "value",
    ["#1a74b8", "müller/poses", "2026_11_25", "1.10", "1e3", "007", "50% (a)", "a=b", "it's", "a\\b", "with space"],
)
def test_a_value_is_taken_as_it_is_typed(value: str) -> None:
    assert config_of(f"paths.output={value}").paths.output == value


@pytest.mark.parametrize(
    "word",
    [
        "shard=0,1,2",
        "seed=7",
        "sampling.cfg=1.5",
        "sampling.cfg=1.0,3.0",
        "gpu_ids=[1,2]",
        "'paths.output=a b'",
        "+preset=fast",
        "~limit",
        "--help",
    ],
)
def test_what_hydra_reads_stays_as_it_is(word: str) -> None:
    assert quote_override(word) == word


@pytest.mark.parametrize("word", ["paths.output=poses/${shard}", "paths.output=poses/${hydra:job.num}", "++shard=1"])
def test_jobs_that_differ_in_their_shards_have_the_settings_that_each_has_alone(word: str) -> None:
    jobs = [[word, f"shard={shard}", f"seed={seed}"] for seed in (1, 2) for shard in range(2)]
    alone = [to_config(compose_config(words, number=number)) for number, words in enumerate(jobs)]
    assert list(compose_jobs(jobs)) == alone


def test_a_shard_that_cannot_be_is_refused_in_a_later_job_too() -> None:
    with pytest.raises(ConfigurationError, match="shard=3: must be null or from 0 to 2"):
        list(compose_jobs([["shard=0"], ["shard=3"]]))


def test_settings_are_checked_without_torch() -> None:
    code = (
        "import sys, mardm_batch.cli as cli; cli.register_schemas(); "
        "cli.to_config(cli.compose_config([])); print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def test_a_folder_for_logs_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("not a folder")
    for words in ([], ["--multirun", "hydra.sweep.dir=outputs/sweep", "shard=0,1,2"]):
        result = run_in_process(*words, "tracking.mode=disabled", cwd=tmp_path)
        assert result.returncode == 2
        assert len(result.stderr.splitlines()) <= 1 + len(words)
        assert "outputs" in result.stderr.splitlines()[-1]
        assert "Traceback" not in result.stderr


def test_help_can_be_asked_for_with_a_sweep(tmp_path: Path) -> None:
    result = run_in_process("--multirun", "shard=0,1,2", "seed=7", "--help", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "seed=7" in result.stdout


@pytest.mark.parametrize(("word", "instead"), [("--limit=5", "limit=5"), ("--preset=fast", "+preset=fast")])
def test_a_setting_with_dashes_is_told_how_it_is_written(word: str, instead: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_flags(get_args_parser(), [word])
    assert str(refusal.value).endswith(f" {instead}")


def test_flags_may_stand_anywhere() -> None:
    parsed, words = parse_flags(get_args_parser(), ["+preset=fast", "--multirun", "seed=1", "--config-dir", "mine"])
    assert parsed.multirun
    assert parsed.config_dir == "mine"
    assert words == ["--multirun", "--config-dir", "mine", "+preset=fast", "seed=1"]


def test_help_names_every_setting_and_shows_the_commands() -> None:
    text = help_text([])
    for words in ("+preset=fast", "--multirun shard=0,1,2", "sampling.sequence_length=16", "multiple of 4", "130/143"):
        assert words in text
    assert "model.checkpoints" in help_text(["model=mardm_sit_xl"])


@pytest.mark.parametrize("command", ["config", "train"])
def test_what_other_packages_tell_stays_out_of_the_terminal(command: str) -> None:
    """As torch, which logs figures of its own at INFO where Python ends."""
    if command == "train":
        register_train_schema()
    compose_config([], name=command)
    levels = OmegaConf.to_container(HydraConfig.get().job_logging, resolve=False)
    assert isinstance(levels, dict)
    assert levels["root"]["level"] == "WARNING"
    assert levels["loggers"] == {"mardm_batch": {"level": "INFO"}}
