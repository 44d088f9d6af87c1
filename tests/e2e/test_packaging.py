"""The module and the console script work from an editable install and from a wheel, from any directory."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel_bin(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel; what it depends on is borrowed from the one that runs the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    (site_packages / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    install = ["install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), *install], check=True)
    return folder / "bin"


@pytest.fixture(
    params=[
        *(pytest.param(each, marks=pytest.mark.slow) for each in ("editable script", "wheel module")),
        "wheel script",
    ]
)
def command(request: pytest.FixtureRequest) -> list[str]:
    """The other tests of whole commands run the module of an editable install."""
    kind, way = request.param.split()
    folder: Path = request.getfixturevalue("wheel_bin") if kind == "wheel" else Path(sys.executable).parent
    return [str(folder / "python"), "-m", "mardm_batch"] if way == "module" else [str(folder / "mardm-batch")]


def test_the_command_works_from_any_directory(command: list[str], tmp_path: Path, tiny_weights: Path) -> None:
    (tmp_path / "captions.txt").write_text("A person waving\n")
    settings = ["+preset=fast", "paths.prompts=captions.txt", f"model.weights={tiny_weights}", "tracking.mode=disabled"]
    result = subprocess.run([*command, *settings], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert sorted(path.name for path in (tmp_path / "SinglePose").glob("waving.*")) == [
        "waving.json",
        "waving.npy",
        "waving.png",
    ]


def test_the_wheel_s_own_code_runs(wheel_bin: Path, tmp_path: Path) -> None:
    code = "import mardm_batch, mardm_batch.config.schema as c; print(mardm_batch.__file__); print(c.conf_dir())"
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    result = subprocess.run(
        [wheel_bin / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env=environment
    )
    for line in result.stdout.splitlines():
        assert Path(line).is_relative_to(wheel_bin.parent)


def test_the_wheel_carries_what_a_first_run_needs_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    page = ("compare/comparison.html.jinja", "compare/comparison.css")
    for name in (
        "conf/config.yaml",
        "conf/preset/fast.yaml",
        "assets/static_poses.md",
        "assets/embedded.safetensors",
        *page,
    ):
        assert f"mardm_batch/{name}" in names
    assert not [
        name for name in names if not name.startswith(("mardm_batch/", "mardm_batch-", "hydra_plugins/mardm_batch_"))
    ]
    assert not [name for name in names if name.endswith(".npz")]
