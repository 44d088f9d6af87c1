"""Captions composed from the pose library, as a prompt file in Markdown on the standard output.

python -m mardm_batch.compose_captions [--count 10000] [--seed 3407] > captions.md
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from mardm_batch.errors import InputError
from mardm_batch.library.entries import MAIN_KINDS, MIRRORED, Entry
from mardm_batch.library.library import Composition, Library, load_library
from mardm_batch.prompts.names import file_name
from mardm_batch.system.terminal import CONSOLE, print_long_text

LONGEST = 160
"""Characters of a caption: more is hard to read under a picture."""
TRIES = 20
"""Wordings tried for an entry of the library, whose mirror image may have said the same."""
MOST = 1_000_000
"""Captions at once: whoever asks for more has mistyped."""
FIRST = 10
"""Captions of different kinds that begin a list, so that a look at its first poses shows what there is."""
PATIENCE = 5000
"""Captions in a row that were there before, after which the library has no more to say."""

USAGE = """\
  python -m mardm_batch.compose_captions > captions.md               10,000 captions
  python -m mardm_batch.compose_captions --count 200 --seed 1        200 others
  python -m mardm_batch paths.prompts=captions.md                    make their poses

The same count and seed give the same captions. No two give the same file name, and with enough captions every entry
of the pose library is among them. Exit codes: 0, or 2 where there are not so many different captions.
"""


def compose_captions(count: int, seed: int) -> list[tuple[Composition, str]]:
    """Different captions with what they are composed of: first one for every entry of the library, then by chance.

    Raises:
        InputError: the library has fewer different captions.
    """
    rng, library = np.random.default_rng(seed), load_library()
    found: dict[str, tuple[Composition, str]] = {}

    def added(composition: Composition) -> bool:
        """Whether one way to say it was new."""
        caption = composition.put_into_words(rng).caption.rstrip(".")
        caption = caption[:1].upper() + caption[1:]
        name = file_name(caption).casefold()
        if name in found or len(caption) > LONGEST:
            return False
        found[name] = composition, caption
        return True

    for number in rng.permutation(len(library.entries))[:count]:
        entry = library.entries[number]
        any(added(_with_entry(entry, library, rng)) for _ in range(TRIES))
    in_vain = 0
    while len(found) < count:
        in_vain = 0 if added(library.compose(rng)) else in_vain + 1
        if in_vain > PATIENCE:
            raise InputError(f"--count {count}: the pose library has about {len(found)} captions; ask for fewer")
    return list(found.values())


def _with_entry(entry: Entry, library: Library, rng: np.random.Generator) -> Composition:
    """The entry alone, or a fragment with something that takes it."""
    if entry.kind in MAIN_KINDS:
        return Composition((entry,))
    takers = [main for main in library.mains if entry.needs <= main.takes]
    return Composition((takers[int(rng.integers(len(takers)))], entry))


def as_markdown(captions: Sequence[tuple[Composition, str]]) -> str:
    """A few mixed ones; then under a heading for each family of postures, and one for each posture in it."""
    groups: defaultdict[str, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for composition, caption in captions[FIRST:]:
        main = composition.entries[0]
        groups[main.family][main.name.removesuffix(MIRRORED)].append(caption)
    lines = [f"# {len(captions):,} static poses", "", *(f"- {caption}" for _, caption in captions[:FIRST])]
    for family, postures in sorted(groups.items()):
        lines += ["", f"## {family.replace('_', ' ').capitalize()}"]
        for posture, listed in sorted(postures.items()):
            lines += ["", f"### {posture.capitalize()}", "", *(f"- {caption}" for caption in listed)]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m mardm_batch.compose_captions",
        description="Compose captions from the pose library and print them as a prompt file in Markdown.",
        epilog=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--count", type=int, default=10_000, metavar="N", help="captions (default: 10000)")
    parser.add_argument("--seed", type=int, default=3407, metavar="N", help="another seed, other captions")
    options = parser.parse_args(arguments)
    if not 1 <= options.count <= MOST or options.seed < 0:
        parser.error(f"--count must be from 1 to {MOST} and --seed at least 0")
    try:
        with CONSOLE.status(f"composing {options.count:,} captions"):
            captions = compose_captions(options.count, options.seed)
    except InputError as error:
        parser.exit(2, f"error: {error}\n")
    print_long_text(as_markdown(captions))
    return 0


if __name__ == "__main__":
    sys.exit(main())
