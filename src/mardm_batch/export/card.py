"""The dataset card beside exported data sets, with which Hugging Face's `datasets` loads all of them.

As in `dataset.card`, the name of the configuration changes with the data: `datasets` keeps what it loaded under it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from mardm_batch.dataset.card import DIGEST_DIGITS, cell, feature, licence, table, type_name
from mardm_batch.dataset.layout import CARD
from mardm_batch.export.formats.format import ExportTotals
from mardm_batch.system.files import write_atomically

TEXT: Final = """\
# {title}

{count} of people, each 22 joints in 3D, made from captions with [MARDM](https://github.com/neu-vi/MARDM) and exported
by mardm_batch.

```python
import datasets

rows = datasets.load_dataset("path/of/this/folder", split="train")
```

{columns}

## Where the poses come from

| model and weights (SHA-256) | poses | licence of the weights |
|---|---|---|
{models}
"""


def write_export_card(
    folder: Path, data_files: str, columns: Mapping[str, tuple[str | Mapping[str, Any], str]], totals: ExportTotals
) -> None:
    """Write `README.md`.

    Args:
        data_files: the pattern of the files of data, from the folder.
        columns: types, as `datasets` names them, and descriptions; empty where the files say it themselves.
    """
    name = f"poses-{totals.digest[:DIGEST_DIGITS]}"
    front: dict[str, Any] = {"configs": [{"config_name": name, "data_files": [{"split": "train", "path": data_files}]}]}
    if columns:
        features = [feature(column, kind) for column, (kind, _) in columns.items()]
        front["dataset_info"] = {"config_name": name, "features": features}
    front |= {"pretty_name": folder.resolve().name, "tags": ["human-pose", "3d", "text-to-motion"]}
    rows = [[f"`{cell(column)}`", type_name(kind), what] for column, (kind, what) in columns.items()]
    text = TEXT.format(
        title=cell(folder.resolve().name),
        count="1 pose" if totals.poses == 1 else f"{totals.poses:,} poses",
        columns=f"| column | type | what |\n|---|---|---|\n{table(rows)}" if rows else "",
        models=table([[cell(each), f"{count:,}", licence(each.split()[0])] for each, count in totals.models.items()]),
    )
    content = f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n{text}"
    write_atomically(folder / CARD, content.encode(errors="replace"))
