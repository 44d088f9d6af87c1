"""The gallery in Chromium: what a reviewer sees and does."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.gallery.conftest import CAPTIONS, HOSTILE, PLAIN, SCRIPTS, Writer, prompts, random_joints

from mardm_batch.dataset.reviews import ReviewList
from mardm_batch.gallery.__main__ import main
from mardm_batch.prompts.names import Prompt
from mardm_batch.run.shard import rejected_prompts

selenium = pytest.importorskip("selenium", reason="needs the package selenium")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("needs Chromium and its driver (apt-get install chromium chromium-driver)", allow_module_level=True)

from selenium import webdriver  # noqa: E402
from selenium.webdriver import ActionChains, Keys  # noqa: E402
from selenium.webdriver.chrome.options import Options  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402

COUNT = len(CAPTIONS)
HOLD_POSES = """
window.plain = window.fetch;
[window.held, window.saved] = [[], 0];
window.fetch = async (address, options) => {
  const answer = await window.plain(address, options);
  if (address === "reviews") window.saved++;
  else if ((await answer.clone().json()).ids.length) await new Promise((resolve) => window.held.push(resolve));
  return answer;
};
"""
"""Lets poses that the server tells arrive only once `held` is called; `saved` counts answers about verdicts."""
OVERLAPPED = """(() => {
  const toast = document.querySelector("#toast:not([hidden])").getBoundingClientRect();
  return [...document.querySelectorAll("#large button")].filter((button) => {
    const { left, right, top, bottom } = button.getBoundingClientRect();
    return left < toast.right && right > toast.left && top < toast.bottom && bottom > toast.top;
  }).map((button) => button.textContent);
})()"""
"""The buttons that a toast covers."""
DRAWN = "document.getElementById('figure').toDataURL()"
BACKGROUNDS = {"light": "rgb(246, 247, 249)", "dark": "rgb(15, 18, 24)"}


class Browser:
    """A page in Chromium."""

    def __init__(self) -> None:
        options = Options()
        options.binary_location = str(shutil.which("chromium"))
        switches = (
            "headless=new",
            "no-sandbox",
            "disable-gpu",
            "disable-dev-shm-usage",
            "disable-background-networking",
        )
        for switch in (*switches, "disable-component-update", "no-first-run", "hide-scrollbars"):
            options.add_argument(f"--{switch}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.show_as(1000, 800, "light")

    def show_as(self, width: int, height: int, scheme: str) -> None:
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, address: str) -> None:
        """Open a page and wait until all of its poses are there."""
        self.driver.get(address)
        self.wait(f"document.getElementById('counts').textContent.startsWith('{COUNT} ')")

    def run(self, script: str) -> Any:
        return self.driver.execute_script(f"return {script}")

    def wait(self, condition: str) -> None:
        deadline = time.monotonic() + 30
        while not self.run(condition):
            assert time.monotonic() < deadline, f"{condition}: {self.run('document.body.innerText')}"
            time.sleep(0.02)

    def type(self, *keys: str) -> None:
        actions = ActionChains(self.driver)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def press_with_shift(self, key: str) -> None:
        ActionChains(self.driver).key_down(Keys.SHIFT).send_keys(key).key_up(Keys.SHIFT).perform()

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()

    def choose(self, selector: str, value: str) -> None:
        words = (
            f"const s = document.querySelector('{selector}'); s.value = '{value}'; s.dispatchEvent(new Event('change'))"
        )
        self.driver.execute_script(words)

    def search(self, words: str) -> None:
        script = (
            "const s = document.getElementById('search'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
        )
        self.driver.execute_script(script, words)

    def texts(self, selector: str) -> list[str]:
        return self.run(f"[...document.querySelectorAll('{selector}')].map((each) => each.textContent)")

    def captions(self) -> list[str]:
        """Those of the cards, in their order."""
        cards = "[...document.querySelectorAll('.card')].sort((a, b) => a.dataset.place - b.dataset.place)"
        return self.run(f"{cards}.map((card) => card.querySelector('p').textContent)")

    def problems(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]


@pytest.fixture(scope="module")
def shared_browser() -> Iterator[Browser]:
    browser = Browser()
    yield browser
    browser.driver.quit()


@pytest.fixture
def browser(shared_browser: Browser) -> Iterator[Browser]:
    """One browser for all tests; nothing may be written to its console."""
    shared_browser.problems()
    yield shared_browser
    assert shared_browser.problems() == []


def test_search_filter_and_order(browser: Browser, folder: Path, serve: Callable[..., str]) -> None:
    browser.open(serve(folder))
    browser.type("/", "POSE", " 12")
    browser.wait(f"document.getElementById('counts').textContent === '1 of {COUNT} poses'")
    assert browser.captions() == ["A person in pose 12"]
    browser.search("رجل")
    browser.wait("document.querySelector('.card p')?.textContent.includes('رجل')")
    browser.search("nowhere")
    browser.wait("!document.getElementById('empty').hidden")
    browser.click("#clear")
    orders = browser.texts("#sort option")
    assert "Worst: bone-length error" in orders
    assert "Worst: unusable samples before" not in orders  # all have 0
    assert "By set" in orders
    assert "Most doubtful" in orders
    assert "By model" not in orders  # all are of one
    browser.choose("#sort", "category:source.set")
    first = next(caption for caption in CAPTIONS if len(caption) % 3 == 0)
    browser.wait(f"document.querySelector('.card p').textContent === {json.dumps(first)}")
    browser.choose("#sort", "bones")
    browser.wait(f"document.querySelector('.card.current p').textContent === '{CAPTIONS[-1]}'")
    assert browser.texts(".card.current .value")[0].endswith(" cm")
    browser.driver.execute_script("document.getElementById('sort').focus()")
    browser.type(Keys.ENTER, Keys.ENTER)  # from the menu to the poses, and the first of them large
    browser.wait("document.getElementById('large').open")
    browser.type(Keys.ESCAPE)
    browser.click("#toggle-filters")
    browser.click("[data-measure=unknown]")
    browser.type("1")
    browser.wait(f"document.getElementById('counts').textContent === '2 of {COUNT} poses'")
    assert sorted(browser.captions()) == sorted(CAPTIONS[-2:])
    browser.click("#clear-filters")
    browser.wait(f"document.getElementById('counts').textContent === '{COUNT} poses'")


def test_the_figure_turns_by_mouse_and_keys(browser: Browser, folder: Path, serve: Callable[..., str]) -> None:
    browser.open(serve(folder))
    browser.type(Keys.ENTER)
    view = "document.getElementById('figure').dataset.view"
    browser.wait(f"{view} === '30 14 1.00'")
    pixels = "document.getElementById('figure').toDataURL()"
    before = browser.run(pixels)
    browser.press_with_shift(Keys.ARROW_RIGHT)
    browser.wait(f"{view} === '40 14 1.00'")
    browser.press_with_shift(Keys.ARROW_UP)
    browser.type("+")
    browser.wait(f"{view} === '40 24 1.15'")
    figure = browser.driver.find_element("id", "figure")
    ActionChains(browser.driver).drag_and_drop_by_offset(figure, 100, 0).perform()
    browser.wait(f"{view} === '0 24 1.15'")
    assert browser.run(pixels) != before
    browser.type("0")
    browser.wait(f"{view} === '30 14 1.00'")
    assert browser.run(pixels) == before
    browser.type("m")
    browser.wait(f"{pixels} !== arguments[0]".replace("arguments[0]", json.dumps(before)))
    browser.type("m")
    ActionChains(browser.driver).move_to_element_with_offset(figure, 0, 0).perform()
    found = set()
    for offset in range(-260, 200, 12):
        ActionChains(browser.driver, duration=0).move_to_element_with_offset(figure, 0, offset).perform()
        found.update(browser.texts("#joint:not([hidden])"))
    assert found & {"neck", "pelvis", "spine 3", "spine 2", "spine 1", "head"}
    browser.type("p")
    browser.wait("document.getElementById('picture').naturalWidth === 60")


def test_verdicts_are_kept_taken_back_and_made_again(browser: Browser, folder: Path, serve: Callable[..., str]) -> None:
    address = serve(folder)
    browser.open(address)
    first, second, third = browser.captions()[:3]
    browser.type("r", "r", "u")  # each goes on to the next
    browser.wait(f"document.getElementById('seen').textContent === '3 of {COUNT} reviewed'")
    browser.type("z", "a")  # back at the third
    browser.type(Keys.ENTER, "n")
    assert browser.driver.find_element("id", "large-rejected").text == "2 rejected"
    browser.type("is fine", Keys.ESCAPE, Keys.ESCAPE)
    expected = {first: "reject", second: "reject", third: "accept"}
    by_caption = {prompt.caption: prompt for prompt in prompts()}

    def written() -> dict[str, str | None]:
        reviews = ReviewList(folder).read().latest.values()
        captions = {prompt.name: caption for caption, prompt in by_caption.items()}
        return {captions[each.name]: each.verdict for each in reviews if each.verdict}

    deadline = time.monotonic() + 20
    while written() != expected:
        assert time.monotonic() < deadline, written()
        time.sleep(0.05)
    browser.open(address)
    browser.wait(f"document.getElementById('seen').textContent === '3 of {COUNT} reviewed'")
    assert browser.texts(".card .mark")[:2] == ["✕", "✕"]
    browser.click("#show-retry")
    (command,) = browser.texts("#retry-command")
    assert "retry=rejected" in command
    for clipboard, label in (
        ("{writeText: async (words) => { window.copied = words }}", "Copied"),
        ("null", "Selected"),
    ):
        words = f"Object.defineProperty(navigator, 'clipboard', {{value: {clipboard}, configurable: true}})"
        browser.driver.execute_script(words)
        browser.click("#copy-retry")
        browser.wait(f"document.getElementById('copy-retry').textContent === '{label}'")
    assert browser.run("[window.copied, getSelection().toString()]") == [command, command]
    browser.choose("#sort", "bones")
    writer = Writer(folder.with_name("again"))
    writer.into(folder)
    reviews = ReviewList(folder).read()
    for review in reviews.rejected_poses()[by_caption[first].name]:
        ReviewList(folder).append([replace(review, agreement=0.25)])
    rejected = rejected_prompts(prompts(), writer.store, reviews)
    assert sorted(prompt.caption for prompt in rejected) == sorted([first, second])
    for prompt in rejected:
        agreement = 0.75 if prompt.caption == first else 0.85
        writer.write(prompt, random_joints(99), reviews.rejections()[prompt.name], agreement=agreement)
    browser.wait(f"document.getElementById('seen').textContent === '1 of {COUNT} reviewed, 2 to review again'")
    assert rejected_prompts(prompts(), writer.store, ReviewList(folder).read()) == []
    assert browser.driver.find_element("id", "retry").text == "2 made again\nClose"
    browser.type(Keys.ESCAPE)
    assert browser.texts("#show-remade") == ["2 made again"]
    browser.click("#sort-again")
    assert browser.run("document.getElementById('sort-again').hidden")
    browser.choose("#sort", "agreement")
    browser.wait("document.querySelectorAll('.card .value')[2]?.textContent === '–'")
    assert browser.texts(".card.current .value") == ["0.75"]
    browser.click("#show-remade")
    browser.wait(f"document.getElementById('counts').textContent === '2 of {COUNT} poses'")
    assert sorted(browser.captions()) == sorted([first, second])
    browser.click("#toggle-filters")
    assert browser.texts("#filters .range legend")[0] == "made again"
    assert browser.run("document.querySelector('[data-measure=rejections]').value") == "1"
    browser.search(first)
    browser.wait(f"document.getElementById('counts').textContent === '1 of {COUNT} poses'")
    browser.click(".card")
    browser.wait("document.querySelectorAll('#before canvas').length === 1")
    assert "agreement0.25 → 0.75" in browser.texts("#measures")[0]
    assert browser.texts("#before span") == ["Agreed 0.25"]
    after = browser.run(DRAWN)
    browser.click("#before button")
    browser.wait(f"{DRAWN} !== {json.dumps(after)}")
    assert browser.run("document.querySelector('#before button').ariaPressed") == "true"
    browser.click("#before button")
    browser.wait(f"{DRAWN} === {json.dumps(after)}")
    browser.click("#close")
    assert browser.run("document.activeElement.id") == "grid"
    browser.search("")
    browser.wait(f"document.getElementById('counts').textContent === '2 of {COUNT} poses'")
    browser.click("#show-remade")
    browser.wait(f"document.getElementById('counts').textContent === '{COUNT} poses'")
    browser.click("[data-measure=rejections]")
    browser.type("1")
    browser.wait(f"document.getElementById('counts').textContent === '2 of {COUNT} poses'")


def test_what_was_undone_stays_undone(browser: Browser, folder: Path, serve: Callable[..., str]) -> None:
    browser.open(serve(folder))
    browser.driver.execute_script(HOLD_POSES)
    browser.type("r")
    browser.wait("window.held.length === 1")  # a pose that is rejected
    browser.type("z")
    browser.wait("window.saved === 2")
    browser.run("window.held.shift()()")
    browser.wait("window.held.length === 1")  # the page has asked again
    assert browser.texts(".card .mark")[0] == ""
    browser.driver.execute_script("window.fetch = window.plain; window.held.shift()()")
    line = {"name": prompts()[20].name, "verdict": "unsure", "note": ""}
    with (folder / "reviews.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    browser.wait(f"document.getElementById('seen').textContent === '1 of {COUNT} reviewed'")


def test_new_poses_and_verdicts_of_others_appear(browser: Browser, folder: Path, serve: Callable[..., str]) -> None:
    browser.open(serve(folder))
    line = {"name": prompts()[20].name, "verdict": "unsure", "note": ""}
    (folder / "reviews.jsonl").write_text(json.dumps(line) + "\n", "utf-8")
    writer = Writer(folder.with_name("again"))
    writer.into(folder)
    writer.write(Prompt("new", "A new pose"), random_joints(99))
    browser.wait(f"document.getElementById('counts').textContent === '{COUNT + 1} poses'")
    browser.wait(f"document.getElementById('seen').textContent === '1 of {COUNT + 1} reviewed'")


def test_hostile_captions_are_only_text(browser: Browser, folder: Path, serve: Callable[..., str]) -> None:
    browser.open(serve(folder))
    for caption in (*HOSTILE, *SCRIPTS):
        browser.search(caption)
        browser.wait(f"document.querySelectorAll('.card').length === 1 && {json.dumps(caption)} === "
                     "document.querySelector('.card p').textContent")  # fmt: skip
        browser.run("document.querySelector('.card').click()")
        browser.wait(f"document.getElementById('large-caption').textContent === {json.dumps(caption)}")
        assert browser.run("document.getElementById('large').scrollWidth <= innerWidth")
        browser.type(Keys.ESCAPE)
    assert "run" not in browser.driver.title.split()
    assert browser.run("document.querySelectorAll('main img, main svg, main script').length") == 0
    # markup that got in all the same would neither run nor load
    browser.driver.execute_script("document.body.insertAdjacentHTML('beforeend', arguments[0])", HOSTILE[1])
    time.sleep(0.2)
    assert "run" not in browser.driver.title.split()
    assert any("Content Security Policy" in problem for problem in browser.problems())


def test_a_page_without_a_server(browser: Browser, folder: Path) -> None:
    (folder / "reviews.jsonl").write_text(json.dumps({"name": prompts()[9].name, "verdict": "reject"}), "utf-8")
    page = folder.parent / "page.html"
    assert main([str(folder), "--static", str(page)]) == 0
    browser.open(page.as_uri())
    assert browser.texts("#seen") == [f"1 of {COUNT} reviewed"]
    browser.type("/", PLAIN[12])
    browser.wait("document.querySelectorAll('.card').length === 1")
    browser.type(Keys.ENTER, Keys.ENTER)
    browser.wait("document.getElementById('figure').dataset.view === '30 14 1.00'")
    browser.type("p")
    browser.wait("document.getElementById('picture').naturalWidth === 60")
    browser.type("a")
    assert browser.texts("#seen") == [f"1 of {COUNT} reviewed"]  # nobody keeps verdicts
    browser.click("#show-json")
    assert json.loads(browser.texts("#json")[0])["caption"] == PLAIN[12]


def test_the_same_caption_of_two_runs(browser: Browser, folder: Path, filled: Path, serve: Callable[..., str]) -> None:
    other = Path(shutil.copytree(filled, folder.with_name("other")))
    browser.driver.get(serve(folder, other))
    browser.wait(f"document.getElementById('counts').textContent.startsWith('{2 * COUNT} ')")
    browser.choose("#sort", "caption")
    browser.wait(
        "document.querySelectorAll('.card p')[0]?.textContent === document.querySelectorAll('.card p')[1]?.textContent"
    )
    assert sorted(browser.texts(".card:nth-child(-n+2) .folder")) == ["other", "poses"]
    browser.type(Keys.ENTER)
    browser.wait("document.querySelectorAll('#others canvas').length === 1")
    assert browser.texts("#others span")[0] in ("poses", "other")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_every_width(
    browser: Browser, folder: Path, serve: Callable[..., str], tmp_path: Path, scheme: str
) -> None:
    address = serve(folder)
    for width in (400, 1000, 1800):
        browser.show_as(width, 900, scheme)
        browser.open(address)
        assert browser.run("getComputedStyle(document.body).backgroundColor") == BACKGROUNDS[scheme]
        assert browser.run("document.documentElement.scrollWidth") <= width
        cards = browser.run("[...document.querySelectorAll('.card')].map((card) => card.getBoundingClientRect().width)")
        assert min(cards) >= 140
        browser.driver.save_screenshot(str(tmp_path / f"{width}.png"))
        browser.type(Keys.ENTER)
        browser.wait("document.getElementById('figure').dataset.view !== undefined")
        assert browser.run("document.getElementById('large').scrollWidth") <= width
        browser.type("z")  # nothing to undo, which is said
        assert browser.run(OVERLAPPED) == []
        browser.driver.save_screenshot(str(tmp_path / f"{width}_large.png"))
    browser.show_as(1000, 800, "light")
