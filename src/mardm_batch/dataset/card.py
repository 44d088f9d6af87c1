"""`README.md` of an output folder: the dataset card, with which `datasets.load_dataset(FOLDER)` loads every pose.

Its front matter names the one file of data. Without it `datasets` would guess splits from the names of the files, and
a pose of "A person on a train" would be one of a split `train`. The name of its configuration changes with the data:
`datasets` keeps what it loaded of a folder under that name, and would go on showing it when poses were added.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from mardm_batch.dataset.layout import CARD, METADATA
from mardm_batch.dataset.records import UNITS, PoseDocument
from mardm_batch.system.files import read_regular, write_atomically

log = logging.getLogger(__name__)

MARKER: Final = "<!-- Written by mardm_batch at the end of each run. Remove this line to keep your own text. -->"
"""Tells a card of ours from a README.md of the user's, which is never replaced."""
DIGEST_DIGITS: Final = 12
JOINTS_FEATURE: Final = {"sequence": {"sequence": "float32"}}
COLUMNS: Final[Mapping[str, tuple[str | Mapping[str, Any], str]]] = {
    "file_name": ("string", "the picture; the `.npy` of the joints where there are no pictures"),
    "caption": ("string", "what the person does"),
    "joints": (JOINTS_FEATURE, f"22 × 3 numbers: {UNITS}"),
    "unknown_words": ({"sequence": "string"}, "words of the caption that the model does not know"),
    "agreement": ("float64", "from 0 to 1: how much of what the caption states the pose shows; null: not measured"),
}
"""Types and descriptions of the columns that every row has, as `datasets` names types."""
LICENCES: Final = {
    "embedded": "MIT, as the package that it ships with",
    "MARDM": "that of the published MARDM weights, see https://github.com/neu-vi/MARDM",
}
"""Licences of weights by the name of the model, or the part of it before the first underscore."""
CARD_TEXT: Final = """\
{marker}

# {title}

{count} of people, each 22 joints in 3D, made from captions with
[MARDM](https://github.com/neu-vi/MARDM) by mardm_batch.

```python
import datasets

rows = datasets.load_dataset("path/of/this/folder", split="train")
```

| column | type | what |
|---|---|---|
{columns}

{remark}

## Where the poses come from

| model | poses | weights (SHA-256) | seed | licence of the weights |
|---|---|---|---|---|
{models}
"""


Group = tuple[str, str, int | None]
"""Where poses come from: model, hash of its weights, seed."""


def group_of(document: PoseDocument) -> Group:
    return document.model or "unknown", document.weights_sha256 or "unknown", document.seed


@dataclass(frozen=True)
class CardData:
    """The files of data that a card names, their columns with types and descriptions, and what lies beside."""

    path: str
    columns: Mapping[str, tuple[str | Mapping[str, Any], str]]
    remark: str


ROWS: Final = CardData(
    METADATA,
    COLUMNS,
    f"Beside `{METADATA}`, which has all of this, each pose has a `.json` (with where it came from), a `.npy`\n"
    "(float32, 22 × 3) and, where pictures were drawn, a `.png`.",
)
TABLES: Final = CardData(
    "*.parquet",
    {
        "name": ("string", "the name of the pose's files"),
        **{key: value for key, value in COLUMNS.items() if key not in ("file_name", "unknown_words", "agreement")},
        "unknown_words": COLUMNS["unknown_words"],
        "agreement": COLUMNS["agreement"],
        "pose_number": ("int64", "which pose of its caption"),
        "model": ("string", "the model that made the pose"),
        "weights_sha256": ("string", "SHA-256 of its weights"),
        "seed": ("int64", "the seed of the run"),
        "frame_index": ("int64", "the frame of the clip that the pose is"),
        "sampling": ("string", "settings of the sampler, JSON"),
        "source": ("string", "the other columns of the prompt file, JSON"),
        "tar_offset": ("int64", "where in the tar its files begin"),
        "files": ("string", "the suffixes of its files in the tar"),
    },
    "Beside each `.parquet`, which has all of this, the `.tar` of the same name holds the files of its poses, for\n"
    "WebDataset: a `.json` (with where it came from), a `.npy` (float32, 22 × 3) and, where pictures were drawn, a\n"
    "`.png`.",
)


def write_card(
    output: Path, groups: Mapping[Group, int], columns: Mapping[str, str], digest: str, data: CardData = ROWS
) -> None:
    """Write the card, unless a README.md of the user's is in its place; that is left alone, with a warning.

    Args:
        groups: numbers of finished poses by where they come from.
        columns: types of the kept columns of the prompt file, by name.
        digest: of the data, hexadecimal.

    Raises:
        OSError: it cannot be written.
    """
    path = output / CARD
    try:
        is_ours = MARKER.encode() in read_regular(path).splitlines()
    except FileNotFoundError:
        is_ours = True
    if is_ours:
        write_atomically(path, card(output.resolve().name, groups, columns, digest, data).encode(errors="replace"))
    else:
        log.warning("%s is not ours and stays: Hugging Face's datasets may not find every pose without our card", path)


def card(title: str, groups: Mapping[Group, int], columns: Mapping[str, str], digest: str, data: CardData) -> str:
    """The text of the card."""
    kept = {name: (kind, "as in the prompt file") for name, kind in columns.items()}
    all_columns = {**data.columns, **kept}
    configuration = f"poses-{digest[:DIGEST_DIGITS]}"
    front = {
        "configs": [{"config_name": configuration, "data_files": [{"split": "train", "path": data.path}]}],
        "dataset_info": {
            "config_name": configuration,
            "features": [feature(name, kind) for name, (kind, _) in all_columns.items()],
        },
        "pretty_name": title,
        "tags": ["human-pose", "3d", "text-to-motion"],
    }
    poses = sum(groups.values())
    text = CARD_TEXT.format(
        marker=MARKER,
        title=cell(title),
        count="1 pose" if poses == 1 else f"{poses:,} poses",
        columns=table([[f"`{cell(name)}`", type_name(kind), what] for name, (kind, what) in all_columns.items()]),
        remark=data.remark,
        models=table(
            [
                [cell(model), f"{number:,}", f"`{cell(weights[:16])}`", str(seed), licence(model)]
                for (model, weights, seed), number in sorted(groups.items(), key=str)
            ]
        ),
    )
    return f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n{text}"


def feature(name: str, kind: str | Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "dtype": kind} if isinstance(kind, str) else {"name": name, **kind}


def type_name(kind: str | Mapping[str, Any]) -> str:
    return kind if isinstance(kind, str) else f"list of {type_name(kind['sequence'])}"


def licence(model: str) -> str:
    unknown = "whatever its weights were published or trained under"
    return LICENCES.get(model) or LICENCES.get(model.partition("_")[0], unknown)


def table(rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def cell(text: str) -> str:
    """Text of others in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
