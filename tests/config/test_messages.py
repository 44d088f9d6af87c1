"""Hydra's errors as one line that names the override and the remedy."""

import shlex
from pathlib import Path

import pytest
from hydra._internal.utils import get_args_parser

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.config.messages import as_one_text
from mardm_batch.config.overrides import parse_flags
from mardm_batch.errors import ConfigurationError
from mardm_batch.registries import register_schemas

register_schemas()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["+preset=fats"],
            "+preset=fats: no such preset; did you mean +preset=fast? (choose from fast, lowmem, native, quality)",
        ),
        (["preset=fats"], "preset=fats: no such preset; did you mean +preset=fast? (choose from fast, lowmem"),
        (["preset=xyz"], "preset=xyz: no such preset (choose from fast, lowmem, native, quality)"),
        (["preset=fast"], "preset=fast: did you mean +preset=fast?"),
        (["++preset=fast"], "++preset=fast: did you mean +preset=fast?"),
        (["experiment=guidence"], "experiment=guidence: no such experiment; did you mean +experiment=guidance?"),
        (["+experiment=guidence"], "+experiment=guidence: no such experiment; did you mean +experiment=guidance?"),
        (["model=embeded"], "model=embeded: no such model; did you mean model=embedded? (choose from"),
        (["++model=embedded"], "++model=embedded: did you mean model=embedded?"),
        (["render=drak"], "render=drak: no such look; did you mean render=dark? (choose from dark, default)"),
        (["tracking=wandbb"], "tracking=wandbb: no such tracking; did you mean tracking=wandb?"),
        (["tracking=none"], "tracking=none: no such tracking; tracking.mode=disabled turns it off (choose from wandb)"),
        (["hydra/launcher=slrum"], "hydra/launcher=slrum: no such launcher; did you mean hydra/launcher=slurm?"),
        (["+hydra/launcher=slurm"], "+hydra/launcher=slurm: did you mean hydra/launcher=slurm?"),
        (["hydra/launchr=slurm"], "hydra/launchr: no such setting; did you mean hydra/launcher?"),
        (["engine=slurm"], "engine=slurm: no such setting; did you mean hydra/launcher=slurm?"),
        (["engine=jobib"], "engine=jobib: no such setting; did you mean hydra/launcher=joblib?"),
        (["engine=x"], "engine=x: no such setting; did you mean hydra/launcher=NAME?"),
        (["look=drak"], "look=drak: no such setting; did you mean render=dark?"),
        (["schema=x"], "schema: no such setting; --help lists them all"),
        (["shard=0,1"], "shard=0,1: several values; add --multirun to run them all"),
        (
            ["paths.prompts=a,b.md"],
            "paths.prompts=a,b.md: several values; one name with a comma is written \"paths.prompts='a,b.md'\"",
        ),
        (
            ["paths.output=[a]"],
            "paths.output=[a]: must be the path of a folder on this machine; a name with brackets is written "
            "\"paths.output='[a]'\"",
        ),
        (["+render=dark"], "+render=dark: did you mean render=dark?"),
        (["+preset=fast", "+preset=quality"], "+preset=quality: only one preset"),
    ],
)
def test_a_wrong_choice_is_explained(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        compose_config(overrides)
    assert str(refusal.value).startswith(message)


@pytest.mark.parametrize(
    "word", ["paths.output=a,b", "paths.output=[a]", "paths.output=it's,$HOME", "paths.output=a,b\\"]
)
def test_a_name_as_it_is_advised_is_taken_for_one_by_shell_and_settings(word: str) -> None:
    (advised,) = shlex.split(as_one_text(word))
    assert compose_config([advised]).paths.output == word.partition("=")[2]


@pytest.mark.parametrize(
    ("word", "allowed"),
    [
        ("retry=yes", "null or one of failed, rejected"),
        ("limit=0", "null or a whole number of at least 1"),
        ("limit=abc", "null or a whole number of at least 1"),
        ("gpu_ids=abc", "null or a list of different GPU numbers"),
        ("seed=abc", "a whole number from 0 to 9223372036854775807"),
    ],
)
def test_a_value_that_is_not_allowed_is_answered_with_all_that_are(word: str, allowed: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        to_config(compose_config([word]))
    assert str(refusal.value) == f"{word}: must be {allowed}"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("+presets=fast", "presets: no such setting; did you mean +preset?"),
        ("paths.output=${x.y}", "paths.output: ${x.y} names no setting"),
        ("limit", "limit: a setting is written KEY=VALUE; --help lists them all"),
        ("a person=1", "a person=1: a setting is written KEY=VALUE; --help lists them all"),
        ("=3", "=3: a setting is written KEY=VALUE; --help lists them all"),
        ("", "'': a setting is written KEY=VALUE; --help lists them all"),
    ],
)
def test_a_name_that_no_setting_has_is_explained(word: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        to_config(compose_config([word]))
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ink: [", r"mine\.yaml:\d+: not valid YAML"),
        ("enabled: true\nink: black\n", "render=mine: its file lacks `defaults:`"),
    ],
)
def test_a_look_s_file_that_cannot_serve_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "render").mkdir()
    (tmp_path / "render" / "mine.yaml").write_text(content)
    flags, _ = parse_flags(get_args_parser(), ["--config-dir", str(tmp_path), "render=mine"])
    with pytest.raises(ConfigurationError, match=message) as refusal:
        to_config(compose_config(flags.overrides, flags))
    assert "\n" not in str(refusal.value)


def test_a_choice_of_an_own_folder_is_suggested_too(tmp_path: Path) -> None:
    (tmp_path / "preset").mkdir()
    (tmp_path / "preset" / "slowest.yaml").write_text("# @package _global_\nseed: 1\n")
    for word, hint in (
        ("preset=slowest", "preset=slowest: did you mean"),
        ("preset=slowst", "no such preset; did you"),
    ):
        flags, _ = parse_flags(get_args_parser(), ["--config-dir", str(tmp_path), word])
        with pytest.raises(ConfigurationError, match=rf"{hint}.* \+preset=slowest\?"):
            compose_config(flags.overrides, flags)


def test_a_mistyped_flag_names_the_one_that_was_meant() -> None:
    with pytest.raises(ConfigurationError, match="--verison: no such flag; did you mean --version?"):
        parse_flags(get_args_parser(), ["--verison"])
    with pytest.raises(ConfigurationError, match="--multi: no such flag"):  # no flag is abbreviated
        parse_flags(get_args_parser(), ["--multi"])
