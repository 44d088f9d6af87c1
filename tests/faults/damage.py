"""Kinds of damage to a finished output folder: each does something to one of its files, chosen at random."""

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path, random.Random], None]

KINDS = (".json", ".npy", ".png")
LISTS = ("metadata.jsonl", "failures.jsonl")


def pick(folder: Path, draw: random.Random, suffixes: tuple[str, ...] = KINDS) -> Path:
    return draw.choice(sorted(path for path in folder.iterdir() if path.suffix in suffixes and path.is_file()))


def truncate(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw)
    os.truncate(path, draw.randrange(path.stat().st_size))


def cut_last_byte(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".npy", ".png"))
    os.truncate(path, path.stat().st_size - 1)


def flip_bytes(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw)
    content = bytearray(path.read_bytes())
    for _ in range(draw.choice((1, 4, 64))):
        content[draw.randrange(len(content))] ^= draw.randrange(1, 256)
    path.write_bytes(content)


def append(folder: Path, draw: random.Random) -> None:
    with pick(folder, draw, (".json",)).open("ab") as file:
        file.write(draw.randbytes(draw.choice((1, 1000))))


def empty(folder: Path, draw: random.Random) -> None:
    pick(folder, draw).write_bytes(b"")


def remove(folder: Path, draw: random.Random) -> None:
    pick(folder, draw).unlink()


def remove_list(folder: Path, draw: random.Random) -> None:
    (folder / draw.choice(LISTS)).unlink(missing_ok=True)


def damage_list(folder: Path, draw: random.Random) -> None:
    (folder / draw.choice(LISTS)).write_bytes(draw.choice((b"\0" * 99, b"[" * 20_000, b"null\n{}\n", b"\xff\xfe", b"")))


def folder_in_place_of_list(folder: Path, draw: random.Random) -> None:
    path = folder / "metadata.jsonl"
    path.unlink(missing_ok=True)
    path.mkdir()


def swap(folder: Path, draw: random.Random) -> None:
    one = pick(folder, draw)
    other = draw.choice(sorted(path for path in folder.glob("*" + one.suffix) if path != one))
    aside = folder / "aside"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def copy_over(folder: Path, draw: random.Random) -> None:
    one = pick(folder, draw)
    other = draw.choice(sorted(path for path in folder.glob("*" + one.suffix) if path != one))
    shutil.copyfile(one, other)


def fifo(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw)
    path.unlink()
    os.mkfifo(path)


def folder_in_place(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw)
    path.unlink()
    path.mkdir()


def link_to_device(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw)
    path.unlink()
    path.symlink_to(draw.choice(("/dev/zero", "/dev/null", "/dev/tty")))


def dangling_link(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw)
    path.unlink()
    path.symlink_to("nowhere")


def circular_link(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw)
    path.unlink()
    path.symlink_to(path.name)


def foreign_name(folder: Path, draw: random.Random) -> None:
    name = draw.choice(
        (b"\xff\xfe.json", b"a\nb.json", b"\x1b[31mred.npy", b"notes.txt", b".hidden", b"x" * 250, b"a b.png")
    )
    with open(os.path.join(os.fsencode(folder), name), "wb") as file:
        file.write(draw.choice((b"", b"{}", b"\0" * 100)))


def surrogate_caption(folder: Path, draw: random.Random) -> None:
    (folder / "foreign.json").write_text('{"caption": "half \\ud800 of a pair", "joints": []}')


def control_characters(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".json",))
    path.write_text(path.read_text().replace("pose number", "pose\\u001b[2J\\u0007 number"))


def leftovers(folder: Path, draw: random.Random) -> None:
    for name in (
        ".metadata.jsonl.4194304",
        f".{'0' * 32}.partial",
        f".metadata.jsonl.{'a' * 32}.partial",
        "probe-4194304",
    ):
        (folder / name).write_bytes(b"half")


def damage_bookkeeping(folder: Path, draw: random.Random) -> None:
    inside = [path for path in (folder / ".mardm_batch").rglob("*") if path.is_file()]
    path = draw.choice(sorted(inside))
    path.write_bytes(draw.choice((b"", b"null", b"[" * 20_000, b'{"pid": 1e400}', b"\xff")))


def remove_bookkeeping(folder: Path, draw: random.Random) -> None:
    shutil.rmtree(folder / ".mardm_batch")


def other_content(folder: Path, draw: random.Random) -> None:
    content = draw.choice((b"%!PS-Adobe-3.0 EPSF-3.0\n", b"PK\x03\x04", b"[" * 100_000, b"\x93NUMPY\x01\0v\0", b"null"))
    pick(folder, draw).write_bytes(content)


def exchange_caption(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".json",))
    path.write_text(path.read_text().replace("pose number", "posture number"))


DAMAGES: tuple[Damage, ...] = (
    truncate, flip_bytes, swap, remove, fifo, folder_in_place, link_to_device, dangling_link, circular_link,
    foreign_name, surrogate_caption, control_characters, leftovers, damage_bookkeeping, remove_bookkeeping,
    other_content, exchange_caption, cut_last_byte, append, empty, remove_list, damage_list,
    folder_in_place_of_list, copy_over,
)  # fmt: skip
