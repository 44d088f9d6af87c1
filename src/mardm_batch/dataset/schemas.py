"""JSON schemas of a pose's JSON and of a line of metadata.jsonl, generated from the records.

python -m mardm_batch.dataset.schemas [FOLDER]
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from mardm_batch.dataset.records import MetadataRow, PoseDocument
from mardm_batch.system.files import write_atomically
from mardm_batch.system.json_records import json_schema


def schema_files() -> dict[str, bytes]:
    """Content of the schema files by name."""
    schemas = {
        "pose.schema.json": json_schema(PoseDocument, "The JSON of a pose"),
        "metadata.schema.json": json_schema(MetadataRow, "A line of metadata.jsonl"),
    }
    return {name: json.dumps(schema, indent=2).encode() + b"\n" for name, schema in schemas.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    words = sys.argv[1:] if arguments is None else arguments
    folder = Path(words[0] if words else "docs/schemas")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in schema_files().items():
        write_atomically(folder / name, content)


if __name__ == "__main__":
    main()
