"""Ten thousand poses in Chromium: measured, printed and held to bounds.

python -m pytest -m slow tests/gallery -n 0 -s
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.gallery.conftest import Writer, random_joints
from tests.gallery.test_browser import Browser
from tests.support import wait_until

from mardm_batch.dataset.formats.npy_file import NPY
from mardm_batch.dataset.formats.png_file import PNG
from mardm_batch.dataset.metadata import update_metadata
from mardm_batch.dataset.store import PoseStore
from mardm_batch.library.caption_conditions import caption_conditions
from mardm_batch.overview.cache import keep_while_read
from mardm_batch.prompts.names import Prompt

pytestmark = pytest.mark.slow
POSES = 10_000
COUNT = f"{POSES:,} poses"
SECONDS_TO_OPEN = 2.0
"""Until all poses can be searched and scrolled to."""
WATCH = """
window.seen = {};
new MutationObserver(() => {
  const now = performance.now() / 1000;
  if (document.querySelector(".card")) window.seen.first ??= now;
  if (document.getElementById("counts")?.textContent === "%s") window.seen.all ??= now;
}).observe(document, { subtree: true, childList: true, characterData: true });
"""
SEARCH = """
const [words, done] = arguments;
const field = document.getElementById("search");
const counts = document.getElementById("counts");
(async () => {
  const seconds = [];
  for (const each of [...words, ""]) {
    const [started, before] = [performance.now(), counts.textContent];
    field.value = each;
    field.dispatchEvent(new Event("input"));
    while (counts.textContent === before) await new Promise(requestAnimationFrame);
    seconds.push((performance.now() - started) / 1000);
  }
  done(seconds);
})();
"""
SCROLL = """
const [pixels, done] = arguments;
const scroll = document.getElementById("scroll");
const [started, gaps] = [performance.now(), []];
let last = started;
scroll.scrollTop = 0;
(function step(now) {
  if (now) gaps.push(now - last);
  last = now ?? last;
  scroll.scrollTop += pixels;
  if (performance.now() - started < 3000) requestAnimationFrame(step);
  else done([gaps.length / 3, Math.max(...gaps) / 1000]);
})();
"""


@dataclass
class Gallery:
    """A gallery that serves a folder; `process` is its server."""

    process: psutil.Process
    address: str

    @property
    def processor_seconds(self) -> float:
        times = self.process.cpu_times()
        return times.user + times.system


@pytest.fixture(scope="module")
def large_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large") / "poses"
    writer = Writer(folder)
    for number in range(POSES):
        words = ("one", "two", "three", "four", "five")[number % 5]
        writer.write(Prompt(f"pose_{number}", f"A person in pose {number}, of kind {words}"), random_joints(number))
    return folder


@pytest.fixture(scope="module")
def finished_folder(large_folder: Path) -> Path:
    """The same with what a run leaves at its end."""
    folder = Path(shutil.copytree(large_folder, large_folder.with_name("finished")))
    update_metadata(PoseStore(folder, (PNG, NPY)), keep_while_read(folder, caption_conditions(None)))
    return folder


@pytest.fixture
def browser() -> Iterator[Browser]:
    browser = Browser()
    browser.show_as(1400, 900, "light")
    browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH % COUNT})
    yield browser
    browser.driver.quit()


def open_page(browser: Browser, address: str) -> dict[str, float]:
    """Seconds from the page's start to its first cards, and until all poses are there."""
    browser.driver.get(address)
    browser.wait("window.seen.all")
    return browser.run("window.seen")


@contextmanager
def serving(folder: Path) -> Iterator[Gallery]:
    command = [sys.executable, "-m", "mardm_batch.gallery", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            yield Gallery(psutil.Process(started.pid), started.stdout.readline().strip())
        finally:
            started.kill()


def use(browser: Browser) -> str:
    """Search and scroll; the figures in words."""
    browser.driver.set_script_timeout(60)
    seconds = browser.driver.execute_async_script(SEARCH, ["kind two", "pose 12", "nowhere"])
    slow, fast = (browser.driver.execute_async_script(SCROLL, pixels) for pixels in (60, 600))
    browser.driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    heap = browser.run("performance.memory.usedJSHeapSize") / 1e6
    assert max(seconds) < SECONDS_TO_OPEN
    return (
        f"search {max(seconds):.2f} s at most; frames a second {slow[0]:.0f} (60 pixels each), {fast[0]:.0f} "
        f"(600 pixels each), longest {max(slow[1], fast[1]):.3f} s; heap {heap:.0f} MB"
    )


def test_ten_thousand_served(browser: Browser, large_folder: Path, finished_folder: Path) -> None:
    print(f"\nload of the machine: {os.getloadavg()[0]:.1f}")
    for folder, words in (
        (finished_folder, "the first time, as a run left it"),
        (large_folder, "the first time, from the poses' own files"),
        (large_folder, "from what it kept"),
    ):
        with serving(folder) as gallery:
            before = gallery.processor_seconds
            opened = open_page(browser, gallery.address)
            spent = gallery.processor_seconds - before
            again = open_page(browser, gallery.address)
            print(
                f"{words}: first cards {opened['first']:.2f} s, all {opened['all']:.2f} s, processor time of the "
                f"server {spent:.2f} s; loaded again: {again['first']:.2f} s, {again['all']:.2f} s"
            )
            assert again["all"] < SECONDS_TO_OPEN
            if folder == finished_folder:
                assert opened["all"] < SECONDS_TO_OPEN
                print(f"served: {use(browser)}, server {gallery.process.memory_info().rss / 1e6:.0f} MB")
            wait_until((folder / ".mardm_batch" / "gallery.npz").exists, 30)


def test_ten_thousand_without_a_server(browser: Browser, large_folder: Path) -> None:
    page = large_folder.parent / "page.html"
    started = time.monotonic()
    command = [sys.executable, "-m", "mardm_batch.gallery", str(large_folder), "--static", str(page)]
    subprocess.run(command, check=True, capture_output=True)
    written = time.monotonic() - started
    opened = open_page(browser, page.as_uri())
    print(
        f"\nstatic: written in {written:.1f} s, {page.stat().st_size / 1e6:.1f} MB; "
        f"first cards {opened['first']:.2f} s, all {opened['all']:.2f} s; {use(browser)}"
    )
    assert opened["all"] < SECONDS_TO_OPEN
