"""The gallery's server, asked by hand: nothing outside of the folder is read, and no stranger writes a verdict."""

import http.client
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.gallery.conftest import CAPTIONS, Writer, prompts, random_joints
from tests.support import wait_until

from mardm_batch.dataset.reviews import ReviewList
from mardm_batch.gallery.__main__ import main


class Client:
    """Asks the server under the page's path, or under any other."""

    def __init__(self, address: str) -> None:
        url = urlsplit(address)
        self.host, self.root = url.netloc, url.path

    def ask(
        self, path: str, method: str = "GET", body: Any = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Host": self.host, "Content-Type": "application/json"} | {
            key.replace("_", "-"): value for key, value in headers.items()
        }
        connection.request(method, path if path.startswith("//") else self.root + path, content, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), {key.lower(): value for key, value in answer.getheaders()}

    def status(self, *words: Any, **headers: Any) -> int:
        return self.ask(*words, **headers)[0]

    def poses(self) -> dict[str, Any]:
        wait_until(lambda: json.loads(self.ask("poses")[1])["complete"])
        return json.loads(self.ask("poses")[1])


@pytest.fixture
def client(folder: Path, serve: Callable[..., str]) -> Client:
    return Client(serve(folder))


def review(block: dict[str, Any], place: int, verdict: str) -> dict[str, Any]:
    return {"id": block["ids"][place], "digest": block["digest"][place], "verdict": verdict, "note": "é"}


def test_only_the_page_s_own_path_answers(client: Client) -> None:
    status, page, headers = client.ask("")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"default-src &#39;none&#39;" in page
    assert (headers["x-frame-options"], headers["cache-control"]) == ("DENY", "no-store")
    for path in ("//", "//poses", "//wrong/", "//wrong/poses", "//wrong/reviews"):
        assert client.status(path[1:] if path == "//" else path) in (404, 405) or path == "//"
    body = [review(client.poses(), 0, "accept")]
    assert client.status("//wrong/reviews", "POST", body) == 404
    assert client.status("poses", Host="evil.example") == 400  # a name that leads here


def test_no_file_outside_of_the_folder_is_read(client: Client, folder: Path) -> None:
    block = client.poses()
    secret = folder.parent / "secret.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    name = folder / block["name"][3]
    picture = name.with_name(f"{name.name}.png")
    number = block["ids"][3]
    assert client.ask(f"picture/{number}")[1] == picture.read_bytes()
    picture.unlink()
    picture.symlink_to(secret)
    assert client.status(f"picture/{number}") == 404
    for path in (
        "picture/../../secret.png",
        "picture/%2e%2e%2f%2e%2e%2fsecret.png",
        "json/-1",
        "picture/99999",
        "json/a",
    ):
        assert client.status(path) == 404
    (folder / f"{name.name}.json").unlink()
    (folder / f"{name.name}.json").symlink_to("/etc/passwd")
    assert client.status(f"json/{number}") == 404


def test_a_pose_s_files_are_those_of_the_folder(client: Client, folder: Path) -> None:
    block = client.poses()
    for number, name in list(zip(block["ids"], block["name"], strict=True))[:6]:
        assert client.ask(f"json/{number}")[1] == (folder / f"{name}.json").read_bytes()
        status, content, headers = client.ask(f"export/{number}/bvh")
        assert (status, content[:9]) == (200, b"HIERARCHY")
        assert headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
    assert client.status("export/0/exe") == 404


@pytest.mark.parametrize(
    "body",
    [
        b"no JSON",
        {"id": 0},
        [],
        [{"id": 0}],
        [{"id": "0", "digest": "0" * 16, "verdict": "accept", "note": ""}],
        [{"id": 10**6, "digest": "0" * 16, "verdict": "accept", "note": ""}],
        [{"id": 0, "digest": "../..", "verdict": "accept", "note": ""}],
        [{"id": 0, "digest": "0" * 16, "verdict": "delete", "note": ""}],
        [{"id": 0, "digest": "0" * 16, "verdict": "accept", "note": "x" * 3000}],
    ],
)
def test_what_is_no_verdict_is_refused(client: Client, folder: Path, body: Any) -> None:
    client.poses()
    assert client.status("reviews", "POST", body) == 400
    assert not (folder / "reviews.jsonl").exists()


def test_a_form_of_another_page_cannot_write(client: Client, folder: Path) -> None:
    body = [review(client.poses(), 0, "accept")]
    assert client.status("reviews", "POST", body, Content_Type="text/plain") == 415
    assert client.status("reviews", "POST", b" " * 2**21) == 413
    assert client.status("reviews") == 405
    assert not (folder / "reviews.jsonl").exists()


def test_a_verdict_is_told_as_soon_as_it_is_saved(client: Client) -> None:
    block = client.poses()
    for verdict in ("reject", "", "accept"):
        answer = json.loads(client.ask("reviews", "POST", [review(block, 3, verdict)])[1])
        news = json.loads(client.ask(f"poses?since={block['revision']}")[1])
        assert (news["ids"], news["verdict"]) == ([block["ids"][3]], [verdict])
        assert answer["revision"] <= news["revision"]


def test_a_rejected_pose_is_kept_with_its_agreement(folder: Path, serve: Callable[..., str]) -> None:
    writer, prompt = Writer(folder.with_name("other")), prompts()[0]
    writer.into(folder)
    writer.write(prompt, random_joints(1), agreement=0.25)
    client = Client(serve(folder))
    block = client.poses()
    assert client.status("reviews", "POST", [review(block, block["name"].index(prompt.name), "reject")]) == 200
    (kept,) = ReviewList(folder).read().rejected_poses()[prompt.name]
    assert kept.agreement == 0.25


def test_two_reviewers_at_once_lose_nothing(folder: Path, serve: Callable[..., str]) -> None:
    clients = [Client(serve(folder)), Client(serve(folder))]
    blocks = [client.poses() for client in clients]

    def work(reviewer: int) -> None:
        for place in range(reviewer, len(CAPTIONS), 2):
            assert clients[reviewer].status("reviews", "POST", [review(blocks[reviewer], place, "reject")]) == 200

    threads = [threading.Thread(target=work, args=(reviewer,)) for reviewer in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for name, _ in ReviewList(folder).read().latest) == sorted(blocks[0]["name"])
    for client in clients:
        wait_until(lambda client=client: "" not in client.poses()["verdict"])


ENDS_WHILE_READING = """
import atexit, sys, threading, time
from pathlib import Path
from mardm_batch.gallery import index
from mardm_batch.gallery.page import open_folders
from mardm_batch.gallery.server import GalleryServer

index.SECONDS_WAITED, index.POSES_MEASURED_AT_ONCE = 0, 1
(folder,) = open_folders([Path(sys.argv[1])])
folder.is_slow, read = True, folder.store.read
folder.store.read = lambda name: (time.sleep(0.02), read(name))[1]
poses = index.PoseIndex([folder])
threading.Thread(target=GalleryServer(poses, "token").watch, daemon=True).start()
while not poses.entries:
    time.sleep(0.001)
atexit.register(time.sleep, 0.3)  # runs when no thread can be started any more
"""


def test_a_gallery_that_ends_while_it_reads_a_slow_disk_says_nothing(folder: Path) -> None:
    command = [sys.executable, "-c", ENDS_WHILE_READING, str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_verdict_that_cannot_be_written_is_told(client: Client, folder: Path) -> None:
    body = [review(client.poses(), 0, "accept")]
    folder.chmod(0o500)
    try:
        assert client.status("reviews", "POST", body) == 507
    finally:
        folder.chmod(0o700)


def test_bad_arguments_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([str(tmp_path / "nothing")], [str(tmp_path), "--static", str(tmp_path / "page.html")]):
        with pytest.raises(SystemExit, match="2"):
            main(words)
        assert capsys.readouterr().err.count("\n") == 1
