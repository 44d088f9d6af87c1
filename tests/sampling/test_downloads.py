"""Downloads of the published archives, from a local server that speaks the hub's protocol and fails as hubs do."""

import errno
import hashlib
import io
import logging
import shutil
import stat
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from tests.support import ACMDM_WIDTH, TINY_WIDTH, NoText, acmdm_sizes, copy_acmdm, copy_published, tiny_sizes

from mardm_batch.config.compose import compose_config, to_config
from mardm_batch.errors import ConfigurationError, InputError
from mardm_batch.model.acmdm_checkpoint import load_acmdm
from mardm_batch.model.checkpoint import load_published
from mardm_batch.registries import register_schemas
from mardm_batch.sampling.models import downloads
from mardm_batch.sampling.models.checkpoints import CheckpointSettings
from mardm_batch.sampling.models.published_files import find_acmdm, find_published

register_schemas()

NAME, ACMDM = "MARDM_SiT_tiny", "ACMDM_Flow_tiny"


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return content.getvalue()


def flipped(content: bytes, place: float = 0.5) -> bytes:
    damaged = bytearray(content)
    damaged[int(place * len(content))] ^= 1
    return bytes(damaged)


class Hub(ThreadingHTTPServer):
    """Serves files of repositories. `faults` are taken in turn for the requests of a file's content."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.served: Counter[str] = Counter()
        self.faults: list[bytes | int] = []
        """Content that is sent in place of the right one, or the number of bytes after which the connection breaks."""
        self.status = 200
        self.seconds_to_answer = 0.0

    def add(self, part: str, members: dict[str, bytes]) -> None:
        repository = downloads.REPOSITORIES[part]
        self.files[f"/{repository}/resolve/main/{downloads.zip_name(part)}"] = zipped(members)


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        self.answer(head=True)

    def do_GET(self) -> None:
        self.answer(head=False)

    def answer(self, head: bool) -> None:
        content = self.server.files.get(self.path)
        status = self.server.status if content is not None else 404
        self.send_response(status)
        if status != 200 or content is None:
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        digest = hashlib.sha256(content).hexdigest()
        if not head:
            time.sleep(self.server.seconds_to_answer)
            self.server.served[self.path.rpartition("/")[2]] += 1
            fault = self.server.faults.pop(0) if self.server.faults else content
            content, cut = (fault, None) if isinstance(fault, bytes) else (content, fault)
        for key, value in (
            ("ETag", f'"{digest}"'),
            ("X-Linked-ETag", f'"{digest}"'),
            ("X-Linked-Size", str(len(self.server.files[self.path]))),
            ("X-Repo-Commit", "0" * 40),
            ("Content-Length", str(len(content))),
        ):
            self.send_header(key, value)
        self.end_headers()
        if not head:
            self.wfile.write(content if cut is None else content[:cut])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    constants = "huggingface_hub.constants"
    monkeypatch.setattr(f"{constants}.ENDPOINT", address)
    monkeypatch.setattr(
        f"{constants}.HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(f"{constants}.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(downloads.REPOSITORIES, NAME, f"cr8br0ze/{NAME}")
    monkeypatch.setitem(downloads.REPOSITORIES, ACMDM, f"cr8br0ze/{ACMDM}")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """The published layout, whose archives the hub has too."""
    return copy_published(tmp_path / "published")


def archive(folder: Path, part: str) -> bytes:
    return (folder / "checkpoints" / "t2m" / part / "model" / "latest.tar").read_bytes()


@pytest.fixture
def offered(published: Path, hub: Hub) -> Hub:
    """A hub that has both parts of the tiny MARDM."""
    hub.add("AE", {"AE/model/latest.tar": archive(published, "AE")})
    hub.add(
        NAME,
        {
            f"{NAME}/opt.txt": b"options",
            f"__MACOSX/{NAME}/model/latest.tar": b"not this",
            f"{NAME}/model/latest.tar": archive(published, NAME),
        },
    )
    return hub


def refusal(call: Callable[[], object]) -> str:
    """The one line with which an input is refused."""
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).isprintable()
    return str(caught.value)


def files_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_archives_arrive_in_the_published_layout(tmp_path: Path, published: Path, offered: Hub) -> None:
    target = tmp_path / "new" / "checkpoints"
    files = find_published(NAME, target, published, download=True)
    written = [name for name in files_in(target) if not name.endswith(".lock")]
    assert written == ["AE/model/latest.tar", f"{NAME}/model/latest.tar"]
    found = load_published(files, tiny_sizes("sit"), TINY_WIDTH, NoText())
    expected = load_published(find_published(NAME, published, published), tiny_sizes("sit"), TINY_WIDTH, NoText())
    assert found.weights_hash == expected.weights_hash


def test_only_what_is_missing_is_downloaded_and_once(published: Path, offered: Hub) -> None:
    folder = published / "checkpoints" / "t2m"
    (folder / NAME / "model" / "latest.tar").unlink()
    for _ in range(2):
        find_published(NAME, folder, published, download=True)
    assert offered.served == {f"{NAME}.zip": 1}


def test_the_cache_is_enough_without_a_connection(tmp_path: Path, published: Path, offered: Hub) -> None:
    find_published(NAME, tmp_path / "first", published, download=True)
    offered.status = 503
    find_published(NAME, tmp_path / "second", published, download=True)
    assert sum(offered.served.values()) == 2


def test_acmdm_arrives_with_the_statistics_of_its_latents(tmp_path: Path, hub: Hub) -> None:
    folder = copy_acmdm(tmp_path / "acmdm")
    latents = folder / "checkpoints" / "t2m" / "AE_2D_Causal"
    statistics = {f"AE/{path.name}": path.read_bytes() for path in latents.glob("*.npy")}
    hub.add("AE_2D_Causal", {"AE/model/latest.tar": archive(folder, "AE_2D_Causal"), **statistics})
    hub.add(ACMDM, {"latest.tar": archive(folder, ACMDM)})
    files = find_acmdm(ACMDM, tmp_path / "new", folder, has_latents=True, download=True)
    found = load_acmdm(files, acmdm_sizes("Flow"), ACMDM_WIDTH, NoText())
    expected = find_acmdm(ACMDM, folder, folder, has_latents=True)
    assert found.weights_hash == load_acmdm(expected, acmdm_sizes("Flow"), ACMDM_WIDTH, NoText()).weights_hash


def test_shards_that_start_together_download_once(tmp_path: Path, published: Path, offered: Hub) -> None:
    offered.seconds_to_answer = 0.3
    found: list[object] = []

    def shard() -> None:
        found.append(find_published(NAME, tmp_path / "new", published, download=True))

    threads = [threading.Thread(target=shard) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert offered.served == {"AE_humanml3d.zip": 1, f"{NAME}.zip": 1}


def test_a_damaged_zip_is_downloaded_again(
    tmp_path: Path, published: Path, offered: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    right = offered.files["/cr8br0ze/AE_humanml3d/resolve/main/AE_humanml3d.zip"]
    offered.faults = [flipped(right)]
    with caplog.at_level(logging.INFO):
        files = find_published(NAME, tmp_path / "new", published, download=True)
    assert files.autoencoder.read_bytes() == archive(published, "AE")
    assert offered.served["AE_humanml3d.zip"] == 2
    assert "getting AE_humanml3d.zip (0.4 MB): it takes as much in" in caplog.text


def test_a_zip_damaged_in_the_cache_is_downloaded_again(tmp_path: Path, published: Path, offered: Hub) -> None:
    find_published(NAME, tmp_path / "first", published, download=True)
    (cached,) = (tmp_path / "cache").rglob("snapshots/*/AE_humanml3d.zip")
    cached.resolve().write_bytes(flipped(cached.read_bytes()))
    files = find_published(NAME, tmp_path / "second", published, download=True)
    assert files.autoencoder.read_bytes() == archive(published, "AE")
    assert offered.served["AE_humanml3d.zip"] == 2


def test_a_checksum_that_is_wrong_twice_is_one_line(tmp_path: Path, published: Path, offered: Hub) -> None:
    right = offered.files["/cr8br0ze/AE_humanml3d/resolve/main/AE_humanml3d.zip"]
    offered.faults = [flipped(right), flipped(right, 0.6)]
    line = refusal(lambda: find_published(NAME, tmp_path / "new", published, download=True))
    assert "AE_humanml3d.zip of huggingface.co/cr8br0ze/AE_humanml3d: what arrives has another checksum" in line
    assert not [name for name in files_in(tmp_path / "new") if not name.endswith(".lock")]


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"readme.txt": b""}, "holds 0 files latest.tar, expected one"),
        ({"latest.tar": b"1", "AE/latest.tar": b"2"}, "holds 2 files latest.tar, expected one"),
    ],
)
def test_a_zip_of_something_else_is_refused(
    tmp_path: Path, published: Path, hub: Hub, members: dict[str, bytes], named: str
) -> None:
    hub.add("AE", members)
    line = refusal(lambda: find_published(NAME, tmp_path / "new", published, download=True))
    assert named in line
    assert "twice" in line


def test_bombs_links_and_paths_are_refused(tmp_path: Path, published: Path, offered: Hub) -> None:
    place = "/cr8br0ze/AE_humanml3d/resolve/main/AE_humanml3d.zip"
    link = zipfile.ZipInfo("AE/model/latest.tar")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as written:
        written.writestr(link, "/etc/passwd")
    offered.files[place] = content.getvalue()
    assert "its latest.tar is a link" in refusal(lambda: find_published(NAME, tmp_path / "a", published, download=True))
    shutil.rmtree(tmp_path / "cache")
    offered.files[place] = zipped({"latest.tar": bytes(10_000_000)}, zipfile.ZIP_DEFLATED)
    line = refusal(lambda: find_published(NAME, tmp_path / "b", published, download=True))
    assert "its latest.tar would unpack to 10.0 MB" in line
    shutil.rmtree(tmp_path / "cache")
    offered.files[place] = zipped({"../../../../escaped/model/latest.tar": b"content", "../../evil.txt": b"evil"})
    find_published(NAME, tmp_path / "deep" / "checkpoints", published, download=True)
    assert (tmp_path / "deep" / "checkpoints" / "AE" / "model" / "latest.tar").read_bytes() == b"content"
    assert not [path for path in tmp_path.rglob("*") if path.name in ("escaped", "evil.txt")]


@pytest.mark.parametrize(
    ("status", "named"),
    [(401, "not public (HTTP 401)"), (404, "not there any more (HTTP 404)"), (503, "try again later")],
)
def test_an_answer_of_the_hub_is_one_line(
    tmp_path: Path, published: Path, offered: Hub, status: int, named: str
) -> None:
    offered.status = status
    started = time.monotonic()
    line = refusal(lambda: find_published(NAME, tmp_path / "new", published, download=True))
    assert line.startswith("model.download=true: cannot get AE_humanml3d.zip from huggingface.co/cr8br0ze/AE_humanml3d")
    assert named in line
    assert "put AE/model/latest.tar into model.checkpoints yourself" in line
    assert time.monotonic() - started < 15


def test_an_offline_machine_fails_in_seconds(tmp_path: Path, published: Path, hub: Hub) -> None:
    hub.shutdown()
    hub.server_close()
    started = time.monotonic()
    line = refusal(lambda: find_published(NAME, tmp_path / "new", published, download=True))
    assert "no connection" in line
    assert time.monotonic() - started < 15


def test_a_connection_that_breaks_is_one_line_and_the_next_run_goes_on(
    tmp_path: Path, published: Path, offered: Hub
) -> None:
    offered.faults = [1000] * 20
    line = refusal(lambda: find_published(NAME, tmp_path / "new", published, download=True))
    assert line.startswith("model.download=true: cannot get AE_humanml3d.zip")
    offered.faults = []
    shutil.rmtree(tmp_path / "cache")
    find_published(NAME, tmp_path / "new", published, download=True)


def test_a_disk_without_room_is_one_line(
    tmp_path: Path, published: Path, offered: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    line = refusal(lambda: find_published(NAME, tmp_path / "new", published, download=True))
    assert "AE_humanml3d.zip needs 0.7 MB there and 0.0 MB are free" in line
    assert not offered.served
    monkeypatch.undo()


def test_a_disk_that_fills_while_unpacking_is_one_line(
    tmp_path: Path, published: Path, offered: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloads.shutil, "copyfileobj", full)
    line = refusal(lambda: find_published(NAME, tmp_path / "new", published, download=True))
    assert "the disk is full" in line
    assert not [name for name in files_in(tmp_path / "new") if not name.endswith(".lock")]


def settings(*words: str) -> CheckpointSettings:
    return to_config(compose_config(["model=mardm_sit_xl", f"model.name={NAME}", *words])).model


def load_tiny(model: CheckpointSettings, checkpoints: Path, stats: Path) -> str:
    """The hash of the tiny MARDM."""
    networks = model.load_checkpoint(
        lambda: find_published(NAME, checkpoints, stats, model.download),
        lambda files: load_published(files, tiny_sizes("sit"), TINY_WIDTH, NoText()),
    )
    return networks.weights_hash


def test_a_broken_archive_is_downloaded_again(published: Path, offered: Hub) -> None:
    broken = published / "checkpoints" / "t2m" / NAME / "model" / "latest.tar"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:1000])

    def load(download: bool) -> str:
        return load_tiny(settings(f"model.download={download}"), published / "checkpoints" / "t2m", published)

    assert "truncated" in refusal(lambda: load(False))
    assert broken.read_bytes() == whole[:1000]
    assert len(load(True)) == 64
    assert broken.read_bytes() == whole


def test_archives_go_once_their_slim_copies_are_there(published: Path, offered: Hub, tmp_path: Path) -> None:
    folder = tmp_path / "new"

    first = settings("model.download=true", "model.keep_archives=false", f"model.checkpoints={folder}")
    expected = load_tiny(first, folder, published)
    assert [name for name in files_in(folder) if not name.endswith(".lock")] == [
        "AE/model/latest.slim.safetensors",
        f"{NAME}/model/latest.slim.safetensors",
    ]
    assert not [path for path in (tmp_path / "cache").rglob("*.zip")]
    assert load_tiny(first, folder, published) == expected
    assert sum(offered.served.values()) == 2


def test_a_folder_a_known_name_and_the_hubs_client_are_needed(
    tmp_path: Path, published: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="set model.checkpoints=DIR"):
        find_published("MARDM_SiT_XL", None, published, download=True)
    with pytest.raises(ConfigurationError, match="known are MARDM_SiT_XL, MARDM_DDPM_XL, ACMDM_Flow_S_PatchSize22"):
        find_published("unheard_of", published, published, download=True)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ConfigurationError, match=r"mardm-batch\[clip\]"):
        find_published("MARDM_SiT_XL", tmp_path / "new", published, download=True)
