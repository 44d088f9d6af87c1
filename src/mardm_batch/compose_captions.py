"""Compose captions from the pose library and print them as a prompt file in Markdown.

python -m mardm_batch.compose_captions [--count 10000] [--seed 3407] > captions.md
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mardm_batch.errors import InputError
from mardm_batch.library.entries import MAIN_KINDS, MIRRORED_SUFFIX, Entry
from mardm_batch.library.library import Composition, Library, load_library
from mardm_batch.prompts.names import file_name
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.files import writable_file, write_atomically
from mardm_batch.system.terminal import CONSOLE, print_output, printable_lines

MAX_LENGTH = 160
"""Characters of the longest caption; longer ones are hard to read below a picture."""
ATTEMPTS_PER_ENTRY = 20
"""Wordings tried for an entry of the library; its mirror image may have the same caption."""
MAX_COUNT = 1_000_000
MIXED = 10
"""Captions of various postures at the beginning of the list, so that its first poses show the variety."""
MAX_DUPLICATES = 5000
"""Duplicates in a row after which the library counts as exhausted."""

USAGE = """\
  python -m mardm_batch.compose_captions > captions.md               10,000 captions
  python -m mardm_batch.compose_captions --count 200 --seed 1        200 other captions
  python -m mardm_batch paths.prompts=captions.md paths.output=composed
                                                                     generate their poses
  python -m mardm_batch.compose_captions --count 200 --conditions few.conditions.yaml > few.md
                                                                     runs with few.md measure conditions_met

The same count and seed give the same captions. All file names are different, and if there are enough captions, each
entry of the pose library is among them. Exit codes: 0; 2 if the library has fewer different captions.
"""


@dataclass(frozen=True, slots=True)
class ComposedCaption:
    """A caption and what it is composed of; a million of them take some hundred megabytes."""

    caption: str
    entries: tuple[Entry, ...]
    sided: tuple[str, ...]
    """The names of the entries whose phrases name a side."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that the caption states."""
        return Composition(self.entries).stated_conditions(self.sided)


def compose_captions(count: int, seed: int) -> list[ComposedCaption]:
    """Different captions with their compositions: first one for every entry of the library, then random ones.

    Raises:
        InputError: the library has fewer different captions.
    """
    rng, library = np.random.default_rng(seed), load_library()
    found: dict[str, ComposedCaption] = {}
    known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(composition: Composition) -> bool:
        """Add a caption of the composition; False where it is a duplicate or too long."""
        wording = composition.compose_caption(rng)
        caption = wording.caption.rstrip(".")
        caption = caption[:1].upper() + caption[1:]
        name = file_name(caption).casefold()
        if name in found or len(caption) > MAX_LENGTH:
            return False
        sided = tuple(sorted(wording.sided))
        found[name] = ComposedCaption(caption, composition.entries, known.setdefault(sided, sided))
        return True

    for number in rng.permutation(len(library.entries))[:count]:
        entry = library.entries[number]
        any(add(compose_with(entry, library, rng)) for _ in range(ATTEMPTS_PER_ENTRY))
    duplicates = 0
    while len(found) < count:
        duplicates = 0 if add(library.compose(rng)) else duplicates + 1
        if duplicates > MAX_DUPLICATES:
            raise InputError(f"--count {count}: the pose library has about {len(found)} captions; ask for fewer")
    return list(found.values())


def compose_with(entry: Entry, library: Library, rng: np.random.Generator) -> Composition:
    """The entry alone or, if it is a fragment, with a random main entry that it fits."""
    if entry.kind in MAIN_KINDS:
        return Composition((entry,))
    mains = [main for main in library.mains if entry.fits(main)]
    return Composition((mains[int(rng.integers(len(mains)))], entry))


def as_markdown(captions: Sequence[ComposedCaption]) -> str:
    """The captions as a list: a few mixed ones, then by family of postures and by posture."""
    groups: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in captions[MIXED:]:
        main = each.entries[0]
        groups[main.family][main.name.removesuffix(MIRRORED_SUFFIX)].append(each.caption)
    lines = [f"# {len(captions):,} static poses", "", *(f"- {each.caption}" for each in captions[:MIXED])]
    for family, postures in sorted(groups.items()):
        lines += ["", f"## {family.replace('_', ' ').capitalize()}"]
        for posture, listed in sorted(postures.items()):
            lines += ["", f"### {posture.capitalize()}", "", *(f"- {caption}" for caption in listed)]
    return "\n".join(lines)


def as_conditions(captions: Sequence[ComposedCaption]) -> str:
    """The captions with their conditions as YAML, one line per caption; captions without conditions are left out."""
    lines = (
        f"{json.dumps(each.caption, ensure_ascii=False)}: {{conditions: {json.dumps(conditions)}}}\n"
        for each in captions
        if (conditions := each.conditions)
    )
    return "# What must hold of the poses of these captions.\n" + "".join(lines)


def build_parser() -> argparse.ArgumentParser:
    parser = command_parser("compose_captions", __doc__, USAGE)
    parser.add_argument("--count", type=int, default=10_000, metavar="N", help="number of captions (default: 10000)")
    parser.add_argument("--seed", type=int, default=3407, metavar="N", help="random seed (default: 3407)")
    parser.add_argument(
        "--conditions",
        type=writable_file,
        metavar="FILE",
        help="also write what must hold of the poses; runs with NAME.md measure by NAME.conditions.yaml beside it",
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the captions. Bad arguments end the process with one line and exit code 2."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if not 1 <= options.count <= MAX_COUNT or options.seed < 0:
        parser.error(f"--count must be from 1 to {MAX_COUNT} and --seed at least 0")
    with report_user_errors(), CONSOLE.status(f"composing {options.count:,} captions"):
        captions = compose_captions(options.count, options.seed)
        if options.conditions is not None:
            write_atomically(options.conditions, as_conditions(captions).encode())
    print_output(printable_lines(as_markdown(captions)))
    return 0


if __name__ == "__main__":
    run_main(main)
