"""An injection: a command that something is done to, and what must hold afterwards."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

CAPTIONS = [f"A person in pose number {number}" for number in range(8)]
TIMEOUT = float(os.environ.get("MARDM_FAULTS_TIMEOUT", "120"))
"""Seconds after which a command counts as hung."""
GRACE = 20.0
"""Seconds after which processes that a command left count as orphans."""
ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.ESTALE, errno.EMFILE, errno.EROFS)


@dataclass
class Figures:
    """Counts by kind of injection."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    """Kind and story of the injections after which something was wrong."""

    def add(self, kind: str, **counts: int) -> None:
        """Count an injection; the file that MARDM_FAULTS_REPORT names is written anew."""
        self.counts.setdefault(kind, Counter()).update(counts)
        if report := os.environ.get("MARDM_FAULTS_REPORT"):
            stories = "".join(f"\n\n{story}" for _, story in self.failures)
            Path(report).write_text(self.table() + stories + "\n", encoding="utf-8")

    def check(self, kind: str) -> None:
        """Fail a test where an injection of this kind was not survived."""
        stories = [story for failed, story in self.failures if failed == kind]
        assert not stories, "\n\n".join(stories)

    def table(self) -> str:
        columns = ("injected", "survived", "lost", "torn", "double", "hung", "orphans", "unrepaired")
        lines = ["| kind | " + " | ".join(columns) + " |", "|---" * (1 + len(columns)) + "|"]
        lines += [
            f"| {kind} | " + " | ".join(str(c[name]) for name in columns) + " |" for kind, c in self.counts.items()
        ]
        return "\n".join([*lines, *self.notes])


FIGURES = Figures()


class Server:
    """Forks commands (see server.py), one at a time; several servers run them side by side."""

    def __init__(self, shim: Path | None) -> None:
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **({"LD_PRELOAD": str(shim)} if shim else {})}
        environment.pop("MARDM_FAULT", None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from tests.faults.server import serve; serve()"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(30)

    def start(self, order: dict[str, object]) -> int:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def exit_code(self) -> int:
        assert self.process.stdout
        return int(self.process.stdout.readline())


Saboteur = Callable[[int], None]
"""Does something to a command; gets its process id."""


@dataclass
class Ended:
    """How a command ended; the exit code is None where it hung."""

    exit_code: int | None
    output: str
    seconds: float
    orphans: int


class Injection:
    """A folder of its own, in which commands run; counts what goes wrong."""

    def __init__(self, kind: str, folder: Path, server: Server, weights: Path, *settings: str) -> None:
        self.kind, self.folder, self.server = kind, folder, server
        self.out = folder / "out"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "captions.txt").write_text("\n".join(CAPTIONS), encoding="utf-8")
        self.settings = [
            f"model.weights={weights}", "tracking.mode=disabled", "paths.prompts=captions.txt", "paths.output=out",
            "paths.temp=temp", "sampling.sequence_length=4", "sampling.time_steps=2", "sampling.batch_size=4",
            *settings,
        ]  # fmt: skip
        self.pictures = "render.enabled=false" not in settings
        self.bad: Counter[str] = Counter()
        self.said: list[str] = []

    def command(
        self, module: str, arguments: Sequence[str], saboteur: Saboteur | None = None, **environment: str
    ) -> Ended:
        mark = uuid.uuid4().hex
        output = self.folder / f"output-{mark}.txt"
        started = time.monotonic()
        order = {
            "module": module, "arguments": list(arguments), "folder": str(self.folder), "output": str(output),
            "environment": {"MARDM_INJECTION": mark, **environment},
        }  # fmt: skip
        pid = self.server.start(order)
        if saboteur:
            threading.Thread(target=saboteur, args=(pid,), daemon=True).start()
        hung = threading.Event()

        def end() -> None:
            hung.set()
            for process in (*processes_with(mark), *processes_of(pid)):
                process.kill()

        watchdog = threading.Timer(TIMEOUT, end)
        watchdog.start()
        code = self.server.exit_code()
        watchdog.cancel()
        seconds = time.monotonic() - started
        deadline = time.monotonic() + GRACE
        while (left := processes_with(mark)) and time.monotonic() < deadline:
            time.sleep(0.05)
        for process in left:
            process.kill()
        text = output.read_text("utf-8", "replace") if output.exists() else ""
        self.bad["hung"] += hung.is_set()
        self.bad["orphans"] += len(left)
        output.unlink(missing_ok=True)
        self.said.append(f"{module} {' '.join(arguments[-2:])} -> {code}: {text[-600:]}")
        return Ended(None if hung.is_set() else code, text, seconds, len(left))

    def run(self, saboteur: Saboteur | None = None, *words: str, **environment: str) -> Ended:
        return self.command("mardm_batch", ["hydra.run.dir=log", *self.settings, *words], saboteur, **environment)

    def verify(self, *flags: str) -> Ended:
        return self.command("mardm_batch.verify", ["out", *flags])

    def finished(self) -> dict[str, bytes]:
        """The JSON of every finished pose; those that are not whole are counted as torn, those twice as double."""
        found: dict[str, bytes] = {}
        for path in sorted(self.out.glob("*.json")):
            try:
                content = path.read_bytes()
                document = json.loads(content)
                joints = np.load(path.with_suffix(".npy"))
                assert joints.shape == (22, 3)
                assert np.array_equal(np.array(document["joints"], np.float32), joints)
                if self.pictures:
                    with Image.open(path.with_suffix(".png")) as picture:
                        picture.load()
            except (OSError, ValueError, KeyError, AssertionError, SyntaxError) as error:
                self.bad["torn"] += 1
                self.said.append(f"torn: {path.name}: {error!r}")
                continue
            self.bad["double"] += document["caption"] in found
            found[document["caption"]] = content
        return found

    def conclude(self, before: dict[str, bytes] | None = None) -> None:
        """What was finished is still so after the next run, and all is whole after a repair; counts the injection."""
        before = self.finished() if before is None else before
        again = self.run()
        after = self.finished()
        self.bad["lost"] += sum(after.get(caption) != content for caption, content in before.items())
        if again.exit_code != 0:
            self.bad["lost"] += len(set(CAPTIONS) - after.keys())
        self.settle()

    def settle(self) -> None:
        """Verify, and where it finds something repair, run and verify again."""
        if self.verify().exit_code != 0:
            self.verify("--repair")
            self.run()
            if self.verify().exit_code != 0:
                self.bad["unrepaired"] += 1
        self.bad["lost"] += len(set(CAPTIONS) - self.finished().keys())
        self.count()

    def count(self) -> None:
        bad = {name: number for name, number in self.bad.items() if number}
        if bad:
            FIGURES.failures.append((self.kind, f"{self.kind}: {bad}\n" + "\n".join(self.said)))
        FIGURES.add(self.kind, injected=1, survived=int(not bad), **bad)


def processes_with(mark: str) -> list[psutil.Process]:
    """The processes that were started with this mark in their environment and still run."""
    found = []
    for process in psutil.process_iter():
        try:
            alive = process.status() != psutil.STATUS_ZOMBIE
            if alive and process.environ().get("MARDM_INJECTION") == mark:
                found.append(process)
        except psutil.Error:
            continue
    return found


def processes_of(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def kill_after(seconds: float, whom: str, draw: random.Random) -> Saboteur:
    """Kill the command itself, or one of the processes that it started."""

    def kill(pid: int) -> None:
        deadline = time.monotonic() + TIMEOUT
        time.sleep(seconds)
        while time.monotonic() < deadline:
            family = processes_of(pid)
            if not family:
                return
            children = [each for each in family[1:] if is_writer(each)]
            if whom != "writer" or children:
                victim = draw.choice(children) if whom == "writer" else family[0]
                try:
                    victim.send_signal(signal.SIGKILL)
                except psutil.Error:
                    continue
                return
            time.sleep(0.02)

    return kill


def is_writer(process: psutil.Process) -> bool:
    try:
        return any("spawn_main" in word for word in process.cmdline())
    except psutil.Error:
        return False
