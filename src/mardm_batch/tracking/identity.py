"""What tells a tracked run apart: the settings of its command line and the choices of its config groups."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hydra.core.hydra_config import HydraConfig

TAGGED_GROUPS: Final = ("preset", "model", "experiment")
UNNAMED_SECTIONS: Final = ("hydra", "paths", "tracking")
UNNAMED_KEYS: Final = (
    *("experiment", "shard", "num_shards", "gpu_ids", "cpu_threads", "threads", "existing", "retry"),
    *("folder", "output", "resume"),
)
"""Settings that do not change the poses, and those that a name has in its own words."""
LONGEST_VALUE: Final = 40
LONGEST_NAME: Final = 128


def command_settings() -> Sequence[str]:
    """The settings of this process's command line, `key=value`; none outside of a run of Hydra."""
    return tuple(HydraConfig.get().overrides.task) if HydraConfig.initialized() else ()


def group_choices() -> Mapping[str, str]:
    """The chosen file of each config group, by the group; none outside of a run of Hydra."""
    return dict(HydraConfig.get().runtime.choices) if HydraConfig.initialized() else {}


def run_name(overrides: Sequence[str], settings: Mapping[str, Any], fallback: str) -> str:
    """A short name: the settings of the command line, and the shard: `fast cfg=3.0 shard 1/3`."""
    words = []
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        section, _, last = key.rpartition(".")
        if section.partition(".")[0] in UNNAMED_SECTIONS or key.split("/")[0] in (*UNNAMED_SECTIONS, *UNNAMED_KEYS):
            continue
        value = value.strip("'\"")
        value = value if len(value) <= LONGEST_VALUE else "…" + value[1 - LONGEST_VALUE :]
        words.append(value if key in ("preset", "model") else f"{last}={value}")
    if settings.get("shard") is not None:
        words.append(f"shard {settings['shard']}/{settings['num_shards']}")
    return (" ".join(words) or fallback)[:LONGEST_NAME]


def run_tags(choices: Mapping[str, str]) -> tuple[str, ...]:
    """The names of preset, model and experiment."""
    return tuple(dict.fromkeys(str(choices[group])[:64] for group in TAGGED_GROUPS if choices.get(group)))
