"""What all pages share: colours, contrast, the policy, scripts that are checked, and a figure like the pictures'."""

import hashlib
import json
import re
import shutil
import subprocess
from base64 import b64encode
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import yaml

from mardm_batch.config.schema import conf_dir
from mardm_batch.library.posing import pose
from mardm_batch.pages.figure import render_figure
from mardm_batch.pages.page import BASE_STYLE, FIGURE_SCRIPTS, join_modules, script_json
from mardm_batch.render.figure import capsule_ends
from mardm_batch.render.framing import Framing

ROOT = Path(__file__).parents[2]
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part))
    for part in BASE_STYLE.read_text("utf-8").split("@media (prefers-color-scheme: dark)")
)
TEXTS = [
    *((ink, ground) for ink in ("ink", "faint", "accent-ink", "warn") for ground in ("page", "card", "head")),
    ("good", "good-back"),
    ("warn", "warn-back"),
    ("accent-ink", "accent-back"),
    ("on-accent", "accent"),
    ("page", "ink"),
    ("faint", "figure-background"),
]
"""Colours of text with what is behind it."""


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, {**LIGHT, **DARK}])
def test_text_has_the_contrast_of_wcag_aa(theme: dict[str, str]) -> None:
    assert {pair: contrast(theme[pair[0]], theme[pair[1]]) for pair in TEXTS} == {
        pair: pytest.approx(21, abs=16.5) for pair in TEXTS
    }
    assert contrast(theme["strong-line"], theme["card"]) >= 3  # outlines of controls


@pytest.mark.parametrize(("name", "theme"), [("default", LIGHT), ("dark", DARK)])
def test_the_figure_has_the_colours_of_the_pictures(name: str, theme: dict[str, str]) -> None:
    look = yaml.safe_load((conf_dir() / "render" / f"{name}.yaml").read_text("utf-8"))
    for part in ("background", "floor", "grid", "left", "right", "spine"):
        assert theme[f"figure-{part}"] == look[part]


def test_modules_keep_their_own_names(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("const own = 1;\nexport const shared = own + 1;\nexport function f() {}\n")
    (tmp_path / "b.js").write_text('import { shared, f } from "./a.js";\nconst own = shared;\nexport class B {}\n')
    script = join_modules([tmp_path / "a.js", tmp_path / "b.js"])
    assert "import" not in script
    assert "export" not in script
    assert script.startswith("const { shared, f } = (() => {\nconst own = 1;\nconst shared = own + 1;")


def test_data_cannot_end_its_script() -> None:
    text = json.dumps(["</script><script>alert(1)</script>", "\u2028"], ensure_ascii=False)
    assert "<" not in script_json(text)
    assert json.loads(script_json(text)) == json.loads(text)


def policy_of(page: str) -> str:
    return unescape(re.search(r'Content-Security-Policy" content="(.*?)"', page)[1])


def check_policy(page: str) -> None:
    """The policy allows the page's own style and script by their hashes, and nothing else."""
    policy = policy_of(page)
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    for tag, kind in (("style", "style-src"), ('script type="module"', "script-src")):
        contents = re.findall(rf"<{tag}>(.*?)</{tag.split()[0]}>", page, re.DOTALL)
        assert len(contents) <= 1
        for content in contents:
            digest = b64encode(hashlib.sha256(content.encode()).digest()).decode()
            assert f"{kind} 'sha256-{digest}'" in policy
    assert not re.search(r"\s(?:style|on\w+)=", re.sub(r"<(style|script).*?</\1>", "", page, flags=re.DOTALL))
    assert not re.search(r'(?:src|href)="(?!data:|#)', page)


def test_the_gallery_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    from mardm_batch.gallery.index import PoseIndex
    from mardm_batch.gallery.page import open_folders, render_gallery

    check_policy(render_gallery(PoseIndex(open_folders([tmp_path]))))


def test_a_page_of_one_figure_holds_all_that_it_needs() -> None:
    page = render_figure(pose({}), "<script>alert(1)</script>")
    check_policy(page)
    assert "<script>alert" not in page
    joints = json.loads(re.search(r'id="joints">(.*?)<', page)[1])
    assert np.allclose(np.reshape(joints, (22, 3)), pose({}), atol=1e-4)


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_the_figure_stands_where_it_stands_in_the_pictures() -> None:
    framing = Framing(30, 14)
    lying = pose({})[:, [0, 2, 1]] * (1, 1, -1) + (0, 0.1, 0)
    poses = [pose({}), lying, pose({}) * 1.4, pose({}) * 0.6]
    script = f"""
      import {{ frame, spotOf }} from {json.dumps(FIGURE_SCRIPTS[-1].as_uri())};
      const found = {json.dumps([each.ravel().tolist() for each in poses])}.map((joints) => {{
        const view = frame(Float32Array.from(joints));
        return Array.from({{ length: 22 }}, (_, joint) => {{
          const spot = spotOf(view, joints.slice(3 * joint, 3 * joint + 3));
          return [spot.x, 1200 - spot.y];
        }});
      }});
      console.log(JSON.stringify(found));
    """
    words = ["node", "--input-type=module", "--experimental-default-type=module", "-e", script]
    result = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    for joints, found in zip(poses, json.loads(result.stdout), strict=True):
        points = np.asarray(joints, np.float64)
        camera, aim, _ = framing.frame(capsule_ends(points))
        assert np.abs(camera.project(points)[0] + aim - found).max() < 2.0  # pixels of 1200; the pictures round


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_types_and_lint_of_the_scripts(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    tools = Path(request.config.cache.mkdir("npm"))
    shutil.copyfile(ROOT / "package.json", tools / "package.json")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        subprocess.run(install, cwd=tools, capture_output=True, timeout=240, check=True)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        pytest.skip("the tools cannot be installed: the npm registry does not answer")
    programs = tools / "node_modules" / ".bin"
    for words in (["tsc", "-p", "tsconfig.json"], ["biome", "lint", "--error-on-warnings", "src"]):
        result = subprocess.run(
            [programs / words[0], *words[1:]], cwd=ROOT, capture_output=True, text=True, timeout=240
        )
        assert result.returncode == 0, result.stdout + result.stderr
