"""Check the files of one pose, each by its format and against the pose's JSON."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mardm_batch.dataset.formats.format import Damage, DamagedFileError, Format
from mardm_batch.dataset.formats.json_file import JSON, read_json
from mardm_batch.dataset.formats.registry import FORMATS
from mardm_batch.dataset.records import PoseDocument
from mardm_batch.dataset.store import PoseStore
from mardm_batch.errors import first_line
from mardm_batch.prompts.names import is_name_of
from mardm_batch.verify.findings import NOTES, Expected, Finding, Kind, damage_kind


@dataclass(frozen=True)
class Inspection:
    """The findings about a pose's files. `document` is None where its JSON is damaged."""

    document: PoseDocument | None
    findings: Sequence[Finding]

    @property
    def undamaged(self) -> bool:
        return all(each.kind in NOTES for each in self.findings)


def inspect(
    store: PoseStore,
    expected: Expected,
    file_names: Collection[str],
    views: Sequence[Format],
    checks_pictures: bool,
    name: str,
) -> Inspection:
    """Check the files of a pose that has a JSON.

    Args:
        file_names: of the output folder.
        views: formats of pictures from other sides that some of them are of, requested or not.
        checks_pictures: False: they need only exist.
    """
    known = dict.fromkeys((*FORMATS.values(), *store.formats, *views))
    present = [each for each in known if name + each.suffix in file_names]
    files = tuple(name + each.suffix for each in (JSON, *present))
    found = [
        Finding(Kind.MISSING_FILE, name + each.suffix, files=files) for each in store.formats if each not in present
    ]
    document = None
    try:
        document = read_json(JSON.path(store.output, name))
    except DamagedFileError as error:
        found.append(Finding(damage_kind(error.damage, JSON), name + JSON.suffix, error.detail, files))
    for each in present:
        if checks_pictures or not each.is_picture:
            try:
                each.check(each.path(store.output, name), document)
            except DamagedFileError as error:
                found.append(Finding(damage_kind(error.damage, each), name + each.suffix, error.detail, files))
            except Exception as error:  # a format's check need not foresee every kind of damage
                kind = damage_kind(Damage.UNREADABLE, each)
                found.append(Finding(kind, name + each.suffix, f"{type(error).__name__}: {first_line(error)}", files))
    for each in views:
        if each in present and each not in store.formats:
            view = name + each.suffix
            found.append(Finding(Kind.UNREQUESTED_VIEW, view, files=(view,)))
    about_caption = None if document is None else caption_kind(name, document, expected)
    if document is not None and about_caption is not None:
        found.append(Finding(about_caption, name + JSON.suffix, document.caption, files))
    return Inspection(document, found)


def caption_kind(name: str, document: PoseDocument, expected: Expected) -> Kind | None:
    """Compare name and caption with the requested captions, else with the rule of names; None: they are right."""
    if expected.prompts is not None and name in expected.prompts:
        return None if expected.prompts[name].key == document.key else Kind.WRONG_CAPTION
    if not is_name_of(name, document.caption, document.source, document.pose_number or 1):
        return Kind.WRONG_CAPTION
    return None if expected.prompts is None else Kind.UNREQUESTED
