"""The registry of formats by name. Adding one is a module here and its line below."""

from dataclasses import replace
from importlib.util import find_spec
from typing import Final

from mardm_batch.errors import InputError
from mardm_batch.export.formats.bvh import Bvh
from mardm_batch.export.formats.coco import Coco
from mardm_batch.export.formats.csv_table import Csv
from mardm_batch.export.formats.format import ExportFormat, ExportOptions
from mardm_batch.export.formats.glb import Glb
from mardm_batch.export.formats.npz import Npz
from mardm_batch.export.formats.openpose import OpenPose
from mardm_batch.export.formats.parquet import Parquet
from mardm_batch.export.formats.smpl import Smpl
from mardm_batch.export.formats.video import Video
from mardm_batch.export.formats.webdataset import WebDataset

FORMATS: Final[dict[str, type[ExportFormat]]] = {
    each.NAME: each for each in (Bvh, Glb, Smpl, Coco, OpenPose, Video, Npz, Csv, Parquet, WebDataset)
}
"""In the order of the help."""


def format_for(name: str, options: ExportOptions) -> ExportFormat:
    """The format of that name with these options.

    Raises:
        InputError: it has no clips or views and is asked for some, or a package that it needs is not installed.
    """
    format = FORMATS[name]
    if options.clips and not format.TAKES_CLIPS:
        able = ", ".join(each for each, kind in FORMATS.items() if kind.TAKES_CLIPS)
        raise InputError(f"--clips: {name} holds single poses; whole clips can be exported as {able}")
    if options.views is not None and not format.TAKES_VIEWS:
        able = ", ".join(each for each, kind in FORMATS.items() if kind.TAKES_VIEWS)
        raise InputError(f"--views: {name} has no cameras; these have: {able}")
    if options.container is not None and not format.CONTAINERS:
        able = ", ".join(each for each, kind in FORMATS.items() if kind.CONTAINERS)
        raise InputError(f"--container: {name} is no video; use --to {able}")
    container = options.container or next(iter(format.CONTAINERS), None)
    needs = dict(format.NEEDS) if container is None else {**format.NEEDS, **format.CONTAINERS[container]}
    for package, extra in needs.items():
        if find_spec(package) is None:
            chosen = f"--to {name}" + (f" --container {container}" if format.CONTAINERS else "")
            raise InputError(f"{chosen}: needs {package}; pip install 'mardm-batch[{extra}]'")
    return format(replace(options, container=container, clips=options.clips or format.NEEDS_CLIPS))
