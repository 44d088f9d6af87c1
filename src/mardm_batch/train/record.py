"""What a training leaves in its folder about itself, and whether a training fits to what is there. Light: no torch."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final
from uuid import uuid4

from mardm_batch.errors import InputError, reason_of
from mardm_batch.system.files import read_regular, write_atomically
from mardm_batch.system.json_records import parse_json
from mardm_batch.train.files import CLIPS_FILE, RECORD_FILE, SCALES_FILE, checkpoint_path
from mardm_batch.train.settings import AutoencoderStage, NetworkStage, StageSettings, TrainConfig

FINISHED: Final = "finished"
"""Key of the record: with which settings the training ended."""
RECORDED_CLIPS: Final = ("data.mocap_share", "data.mocap_stride")
"""Settings on which the clips depend where there are recordings."""
WRITTEN_CLIPS: Final = ("data.written_share", "data.written_poses")
"""Settings on which the clips depend where there are those of written captions."""
AUTOENCODER_SIZES: Final = ("sizes.autoencoder_width", "sizes.latent")
"""Settings on which the autoencoder's checkpoint depends."""


def check_folders(config: TrainConfig) -> None:
    """Check that a training neither overwrites nor mixes with an earlier one. Light: before anything is loaded.

    Raises:
        InputError: the folder or the file of weights is an earlier training's and `resume` is false, or what is there
            cannot be resumed.
    """
    folder, output = Path(config.folder).expanduser(), Path(config.output).expanduser()
    autoencoder, network = (checkpoint_path(folder, stage) for stage in (AutoencoderStage, NetworkStage))
    if config.resume:
        if network.exists() and config.start is None and not autoencoder.exists():
            raise InputError(
                f"folder={folder}: holds {network.name} without the {autoencoder.name} that it needs, and cannot be "
                "resumed; start a training in another folder="
            )
        check_checkpoints(config, folder)
        check_clips(config, folder)
    elif holds_training(folder):
        raise InputError(
            f"folder={folder}: holds a training already; resume=true continues it, another folder= starts a new one"
        )
    own = config.resume and network.exists() and read_record(folder).get("output") in (None, str(output.absolute()))
    if output.exists() and not own:
        raise InputError(
            f"output={output}: exists already, and the training in folder={folder} did not write it; name another "
            "output=, or continue the training that wrote it, by resume=true and its folder="
        )


def holds_training(folder: Path) -> bool:
    """Whether a training left anything in a folder that one with `resume` uses."""
    checkpoints = [checkpoint_path(folder, stage) for stage in (AutoencoderStage, NetworkStage)]
    return any(path.exists() for path in (*checkpoints, folder / CLIPS_FILE, folder / SCALES_FILE))


def is_finished(config: TrainConfig) -> bool:
    """Whether the training in the folder has ended, with the weights where they are to be."""
    folder, output = Path(config.folder).expanduser(), Path(config.output).expanduser()
    recorded = read_record(folder)
    is_same = recorded.get(FINISHED) == described_end(config) and recorded.get("output") == str(output.absolute())
    return is_same and all(
        each.exists() for each in (output, folder / CLIPS_FILE, checkpoint_path(folder, NetworkStage))
    )


def how_to_continue(folder: Path) -> str:
    """What to do after an interruption, by what the training had saved."""
    if any(checkpoint_path(folder, stage).exists() for stage in (AutoencoderStage, NetworkStage)):
        return "the same command with resume=true continues from the last checkpoint"
    if (folder / CLIPS_FILE).exists():
        return "the same command with resume=true continues with the clips that are composed"
    return "nothing was saved yet, so the same command begins again"


def check_clips(config: TrainConfig, folder: Path) -> None:
    """Raises InputError where a training that is resumed has clips that were made with other settings."""
    recorded = read_record(folder) if (folder / CLIPS_FILE).exists() else {}
    if differences := differing(recorded, described_clips(config)):
        raise InputError(
            f"folder={folder}: its clips were made with {differences}; use the settings of that training, or remove "
            f"{folder / CLIPS_FILE} to make them anew"
        )


def check_checkpoints(config: TrainConfig, folder: Path) -> None:
    """Raises InputError where a training that is resumed has checkpoints of other networks."""
    recorded = read_record(folder)
    described: dict[str, str] = {}
    for stage, settings in described_checkpoints(config).items():
        described |= settings if checkpoint_path(folder, stage).exists() else {}
    if differences := differing(recorded, described):
        raise InputError(
            f"folder={folder}: its networks were trained with {differences}; use the settings of that training, or "
            "another folder="
        )


def differing(recorded: Mapping[str, str], described: Mapping[str, str]) -> str:
    """The settings that are recorded otherwise, in words; empty where there are none."""
    return ", ".join(
        f"{key}={recorded[key]}, not {value}" for key, value in described.items() if recorded.get(key, value) != value
    )


def described_checkpoints(config: TrainConfig) -> dict[type[StageSettings], dict[str, str]]:
    """By stage the settings on which its checkpoint depends; a file of weights to start from may have been moved."""
    sizes = {f"sizes.{key}": str(value) for key, value in asdict(config.sizes).items()}
    autoencoder = {key: sizes.pop(key) for key in AUTOENCODER_SIZES}
    start = {None: "null", "embedded": "embedded"}.get(config.start, "a path")
    basis = {"autoencoder.steps": str(config.autoencoder.steps)} if config.start is None else {}
    seed = {"seed": str(config.seed)}
    return {AutoencoderStage: {**seed, **autoencoder}, NetworkStage: {**seed, "start": start, **basis, **sizes}}


def described_end(config: TrainConfig) -> str:
    """The settings on which it depends where a training ends and what it writes then."""
    return f"network.steps={config.network.steps}, start_share={config.start_share}"


def described_clips(config: TrainConfig) -> dict[str, str]:
    """The settings on which a training's clips depend; a folder of recordings may have been moved meanwhile."""
    data = config.data
    recordings = {"data.mocap": data.mocap, "data.bvh": data.bvh}
    described = {"seed": str(config.seed), "data.composed_clips": str(data.composed_clips)}
    described |= {key: "null" if path is None else "a path" for key, path in recordings.items()}
    if any(path is not None for path in recordings.values()):
        described |= {key: str(getattr(data, key.removeprefix("data."))) for key in RECORDED_CLIPS}
    if data.written_share:
        described |= {key: str(getattr(data, key.removeprefix("data."))) for key in WRITTEN_CLIPS}
    return described


def read_record(folder: Path) -> dict[str, str]:
    """What a training left in its folder about itself: `output`, `run_id`, `finished` and settings of its clips and
    networks; empty where there is none. Raises InputError where it is damaged."""
    path = folder / RECORD_FILE
    try:
        record = parse_json(read_regular(path))
        if not isinstance(record, dict):
            raise ValueError("no object")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: damaged ({reason_of(error)}), so the settings of this training are unknown; remove it to "
            "continue with those given now, as a new run at Weights & Biases, or use another folder="
        ) from None
    return {key: value for key, value in record.items() if isinstance(value, str)}


def begin_record(folder: Path, output: Path, config: TrainConfig) -> str:
    """Leave the record of a training in its folder; returns its id at Weights & Biases, which a resumed one keeps."""
    earlier = read_record(folder) if config.resume else {}
    kept = earlier.get("run_id", "")
    run_id = kept if re.fullmatch(r"[\w-]{1,64}", kept) else os.environ.get("WANDB_RUN_ID") or uuid4().hex[:8]
    record = {"output": str(output.absolute()), "run_id": run_id}
    parts = [(folder / CLIPS_FILE, described_clips(config))]
    parts += [(checkpoint_path(folder, stage), each) for stage, each in described_checkpoints(config).items()]
    for file, described in parts:
        made = config.resume and file.exists()
        record |= {key: earlier[key] for key in described if key in earlier} if made else described
    write_atomically(folder / RECORD_FILE, json.dumps(record).encode())
    return run_id


def finish_record(folder: Path, config: TrainConfig) -> None:
    """Note in the record of a training that it has ended."""
    write_atomically(
        folder / RECORD_FILE, json.dumps({**read_record(folder), FINISHED: described_end(config)}).encode()
    )
