"""Kinds of damage to a finished output folder: each does something to one of its files, chosen at random."""

import contextlib
import json
import math
import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

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


def byte_order_mark(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".json",))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def other_encoding(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".json",))
    path.write_text(path.read_text(), encoding=draw.choice(("utf-16", "utf-32")))


def not_a_number(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".json",))
    document = json.loads(path.read_text())
    document["joints"][draw.randrange(22)][draw.randrange(3)] = draw.choice((math.nan, math.inf, 1e300, None, "0.5"))
    path.write_text(json.dumps(document))


def key_missing(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".json",))
    document = json.loads(path.read_text())
    del document[draw.choice(sorted(document))]
    path.write_text(json.dumps(document))


def nested_deeply(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".json",))
    path.write_text(path.read_text().replace('"joints"', '"deep": ' + "[" * 50_000 + "]" * 50_000 + ', "joints"', 1))


def other_array(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".npy",))
    joints = np.load(path)
    others = (joints[:21], joints.astype(np.float64), np.asfortranarray(joints[None]), joints.astype(">f4"), joints + 1)
    np.save(path, draw.choice(others))


def pickled_array(folder: Path, draw: random.Random) -> None:
    np.save(pick(folder, draw, (".npy",)), np.array([{"a": 1}], object), allow_pickle=True)


def header_of_terabytes(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".npy",))
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 3), }".ljust(117) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header + bytes(264))


def sparse_file(folder: Path, draw: random.Random) -> None:
    os.truncate(pick(folder, draw), 1 << 40)


def other_picture(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".png",))
    size, kind = draw.choice(((10, "PNG"), (1200, "PNG"), (1200, "JPEG"), (1200, "GIF")))
    Image.new("RGB", (size, size), "white").save(path, kind)


def text_of_picture_removed(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".png",))
    with Image.open(path) as picture:
        picture.load()
        picture.info.clear()
        picture.save(path, "PNG")


def name_of_picture_altered(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw, (".png",))
    path.write_bytes(path.read_bytes().replace(b"pose_number", b"posenumber_", 1))


def line_of_list_twice(folder: Path, draw: random.Random) -> None:
    lines = (folder / "metadata.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "metadata.jsonl").write_bytes(b"".join([*lines, draw.choice(lines)]))


def line_of_list_removed(folder: Path, draw: random.Random) -> None:
    lines = (folder / "metadata.jsonl").read_bytes().splitlines(keepends=True)
    lines.pop(draw.randrange(len(lines)))
    (folder / "metadata.jsonl").write_bytes(b"".join(lines))


def line_of_list_torn(folder: Path, draw: random.Random) -> None:
    path = folder / "metadata.jsonl"
    os.truncate(path, path.stat().st_size - draw.randrange(2, 200))


def list_of_other_kind(folder: Path, draw: random.Random) -> None:
    path = folder / "metadata.jsonl"
    path.unlink()
    draw.choice((os.mkfifo, lambda it: it.symlink_to("/dev/zero"), lambda it: it.symlink_to(it.name)))(path)


def card_damaged(folder: Path, draw: random.Random) -> None:
    path = folder / "README.md"
    path.unlink()
    draw.choice((lambda it: None, lambda it: it.write_bytes(b"---\n- [{\xff"), os.mkfifo, Path.mkdir))(path)


def renamed(folder: Path, draw: random.Random) -> None:
    stem = pick(folder, draw, (".json",)).stem
    for path in sorted(folder.glob(f"{stem}.*")):
        path.rename(path.with_name(draw.choice((stem.upper(), f"copy of {stem}")) + path.suffix))


def copied_under_another_name(folder: Path, draw: random.Random) -> None:
    stem = pick(folder, draw, (".json",)).stem
    for path in sorted(folder.glob(f"{stem}.*")):
        shutil.copyfile(path, path.with_name(f"copy_of_{path.name}"))


def hard_link(folder: Path, draw: random.Random) -> None:
    one = pick(folder, draw)
    other = draw.choice(sorted(path for path in folder.glob("*" + one.suffix) if path != one))
    other.unlink()
    os.link(one, other)


def socket_in_place(folder: Path, draw: random.Random) -> None:
    path = pick(folder, draw)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as file, contextlib.chdir(folder):
        file.bind(path.name)


def other_time(folder: Path, draw: random.Random) -> None:
    for path in folder.iterdir():
        os.utime(path, (draw.choice((0, 1, 2**31, 2**32)),) * 2, follow_symlinks=False)


DAMAGES: tuple[Damage, ...] = (
    truncate, flip_bytes, swap, remove, fifo, folder_in_place, link_to_device, dangling_link, circular_link,
    foreign_name, surrogate_caption, control_characters, leftovers, damage_bookkeeping, remove_bookkeeping,
    other_content, exchange_caption, cut_last_byte, append, empty, remove_list, damage_list,
    folder_in_place_of_list, copy_over, byte_order_mark, other_encoding, not_a_number, key_missing, nested_deeply,
    other_array, pickled_array, header_of_terabytes, sparse_file, other_picture, text_of_picture_removed,
    name_of_picture_altered, line_of_list_twice, line_of_list_removed, line_of_list_torn, list_of_other_kind,
    card_damaged, renamed, copied_under_another_name, hard_link, socket_in_place, other_time,
)  # fmt: skip
