"""Pictures: size, measurable appearance, captions in any script, robustness."""

import io
import logging
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image
from tests.looks import theme

from mardm_batch.errors import ConfigurationError
from mardm_batch.pose.skeleton import BONE_LENGTHS, HEAD_REST_ANGLE, JOINT_INDEX, NUM_JOINTS, PARENTS
from mardm_batch.render import figure, framing
from mardm_batch.render import renderer as render
from mardm_batch.render.captions import Typesetter
from mardm_batch.render.renderer import PoseRenderer
from mardm_batch.render.theme import Theme

FONTS = Path(matplotlib.get_data_path(), "fonts", "ttf")
STIX = str(FONTS / "STIXGeneral.ttf")
LIGHT_THEME = theme()


def pose(**directions: tuple[float, float, float]) -> NDArray[np.float32]:
    """A person standing on the floor with hanging arms, (22, 3); `directions` replace those of single bones."""
    usual = {
        "left_hip": (1.0, -0.3, 0.0),
        "right_hip": (-1.0, -0.3, 0.0),
        "left_collar": (0.8, 0.7, 0.0),
        "right_collar": (-0.8, 0.7, 0.0),
        "left_shoulder": (1.0, 0.0, 0.0),
        "right_shoulder": (-1.0, 0.0, 0.0),
        "left_foot": (0.0, -0.3, 1.0),
        "right_foot": (0.0, -0.3, 1.0),
    }
    hanging = ("knee", "ankle", "elbow", "wrist")
    joints = np.zeros((NUM_JOINTS, 3), np.float32)
    for name, joint in list(JOINT_INDEX.items())[1:]:
        default = (0.0, -1.0, 0.0) if name.endswith(hanging) else (0.0, 1.0, 0.0)
        direction = np.array(directions.get(name, usual.get(name, default)))
        joints[joint] = joints[PARENTS[joint]] + BONE_LENGTHS[joint] * direction / np.linalg.norm(direction)
    joints[:, 1] -= joints[:, 1].min()
    return joints


def both(bone: str, x: float, y: float, z: float) -> dict[str, tuple[float, float, float]]:
    """The direction of a left bone, and its mirror image for the right one."""
    return {f"left_{bone}": (x, y, z), f"right_{bone}": (-x, y, z)}


STANDING = pose()
ARMS_UP = pose(**both("elbow", 0.1, 1, 0), **both("wrist", 0.0, 1, 0))
SITTING = pose(**both("knee", 0.2, 0, 1), **both("ankle", 0.0, 0, 1))
CHILD_SIZED = STANDING * np.float32(0.5)
SPLITS = pose(
    left_knee=(0, 0, 1), left_ankle=(0, 0, 1), right_knee=(0, 0, -1), right_ankle=(0, 0, -1),
    **both("elbow", 1, 0, 0), **both("wrist", 1, 0, 0),
)  # fmt: skip
LYING = STANDING[:, [0, 2, 1]] * np.float32([1, 1, -1]) + np.float32([0, 0.1, 0.85])
ACROSS = STANDING[:, [1, 0, 2]] - np.float32([0.9, STANDING[:, 0].min(), 0])
HANDSTAND = ARMS_UP * np.float32([1, -1, 1]) + np.float32([0, 2.1, 0])
LEAP = ARMS_UP + np.float32([0, 1.5, 0])
HUGE = STANDING * 20


RENDERERS: dict[str, PoseRenderer] = {}


def renderer_of(options: Theme) -> PoseRenderer:
    """One for each look, as making one takes longer than drawing."""
    if repr(options) not in RENDERERS:
        RENDERERS[repr(options)] = PoseRenderer(options)
    return RENDERERS[repr(options)]


@pytest.fixture
def renderer() -> PoseRenderer:
    return renderer_of(LIGHT_THEME)


@pytest.fixture(autouse=True)
def reset_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Typesetter, "warned", set())


def decoded(png: bytes) -> NDArray[np.int16]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(np.int16)


def near(picture: NDArray[np.int16], colour: str, tolerance: int = 12) -> NDArray[np.bool_]:
    wanted = np.array([int(colour[start : start + 2], 16) for start in (1, 3, 5)])
    return np.abs(picture - wanted).max(axis=2) <= tolerance


def test_a_picture_is_1200_pixels_square_at_150_dpi_and_small(renderer: PoseRenderer) -> None:
    png = renderer.draw(ARMS_UP, "A person stands with both arms raised above the head, the palms together")
    image = Image.open(io.BytesIO(png))
    image.load()
    assert image.format == "PNG"
    assert image.size == (1200, 1200)
    assert image.info["dpi"] == pytest.approx((150, 150), abs=0.02)
    assert len(png) <= 100_000


def test_a_picture_does_not_depend_on_those_drawn_before(renderer: PoseRenderer) -> None:
    first = PoseRenderer(LIGHT_THEME).draw(STANDING, "standing")
    renderer.draw(HUGE, "something else, and much longer than what comes afterwards")
    renderer.draw(LYING, "مرحبا")
    assert renderer.draw(STANDING, "standing") == first


def test_poses_that_are_drawn_together_are_as_when_drawn_alone(renderer: PoseRenderer) -> None:
    poses = [STANDING, SITTING, HUGE, LYING, ARMS_UP]
    captions = [f"A person {number}" for number in range(len(poses))]
    together = list(renderer.draw_several(poses, captions))
    assert together == [renderer.draw(*each) for each in zip(poses, captions, strict=True)]


@pytest.mark.parametrize("azimuth", [0.0, 30.0])
def test_the_left_side_is_blue_and_on_the_right_of_the_picture_from_the_front(azimuth: float) -> None:
    options = replace(LIGHT_THEME, azimuth=azimuth, legend=False)
    picture = decoded(renderer_of(options).draw(pose(**both("elbow", 1, 0, 0), **both("wrist", 1, 0, 0)), ""))
    left, right = np.nonzero(near(picture, options.left))[1], np.nonzero(near(picture, options.right))[1]
    assert min(len(left), len(right)) > 5000
    assert right.mean() + 60 < 600 < left.mean() - 60


def test_from_behind_the_sides_are_exchanged() -> None:
    options = replace(LIGHT_THEME, azimuth=180.0, legend=False)
    picture = decoded(renderer_of(options).draw(STANDING, ""))
    assert np.nonzero(near(picture, options.left))[1].mean() < np.nonzero(near(picture, options.right))[1].mean()


@pytest.mark.parametrize(
    "joints", [STANDING, ARMS_UP, SITTING, CHILD_SIZED, SPLITS, LYING, ACROSS, HANDSTAND, LEAP, HUGE]
)
@pytest.mark.parametrize("azimuth", [30.0, -100.0])
def test_every_body_is_inside_the_picture_above_the_caption(joints, azimuth) -> None:
    options = replace(LIGHT_THEME, legend=False, azimuth=azimuth)
    picture = decoded(renderer_of(options).draw(joints, ""))
    body = near(picture, options.left) | near(picture, options.right) | near(picture, options.spine)
    rows, columns = np.nonzero(body)
    assert len(rows) > 200
    assert rows.min() >= 40
    assert rows.max() <= 1020
    assert columns.min() >= 40
    assert columns.max() <= 1160


def test_usual_poses_are_drawn_at_the_same_scale() -> None:
    options = replace(LIGHT_THEME, legend=False)
    renderer = renderer_of(options)
    skulls = [near(decoded(renderer.draw(joints, "")), options.spine, 3).sum() for joints in (STANDING, ARMS_UP)]
    assert skulls[0] == pytest.approx(skulls[1], rel=0.1)


def extent(options: Theme, joints: NDArray[np.float32]) -> tuple[float, float]:
    """Width and height in pixels of the drawn body."""
    picture = decoded(renderer_of(options).draw(joints, ""))
    rows, columns = np.nonzero(near(picture, options.left) | near(picture, options.right))
    return float(np.ptp(columns)), float(np.ptp(rows))


@pytest.mark.parametrize("look", ["default", "dark"])
def test_low_poses_are_magnified(look: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = theme(look, legend=False)
    low, high = (SITTING, LYING, CHILD_SIZED), (STANDING, ARMS_UP, HANDSTAND)
    magnified, usual = ([max(extent(options, joints)) for joints in poses] for poses in (low, high))
    monkeypatch.setattr(framing, "MAGNIFICATIONS", ())
    assert (np.array(magnified) / [max(extent(options, joints)) for joints in low] > 1.15).all()
    assert usual == [max(extent(options, joints)) for joints in high]
    assert magnified[-1] < usual[0]  # lower is never drawn higher


def test_there_are_few_magnifications() -> None:
    camera, _, _ = renderer_of(LIGHT_THEME)._framing.frame(figure.capsule_ends(STANDING.astype(np.float64)))
    assert camera.magnification == 1.0
    levels = {
        renderer_of(LIGHT_THEME)._framing.frame(figure.capsule_ends(STANDING * float(size)))[0].magnification
        for size in np.linspace(0.2, 1.5, 60)
    }
    assert levels == {1.0, *framing.MAGNIFICATIONS}  # few, as each has a background of its own


def rotation(axis: tuple[float, float, float], degrees: float) -> NDArray[np.float64]:
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    skew = np.array(((0, -z, y), (z, 0, -x), (-y, x, 0)))
    angle = np.radians(degrees)
    return np.asarray(np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew)


def head(nod: float = 0.0, turn: float = 0.0) -> tuple[float, float, float]:
    """The direction of the bone to the head joint of someone who bends it down and turns it to the left, degrees."""
    bone = rotation((0, 1, 0), turn) @ rotation((1, 0, 0), HEAD_REST_ANGLE) @ (0, 1, 0)
    x, y, z = rotation((1, 0, 0), nod) @ bone
    return float(x), float(y), float(z)


TURNS = {
    "standing": np.eye(3),
    "on the back": rotation((1, 0, 0), -90),
    "on the stomach": rotation((1, 0, 0), 90),
    "on the left side": rotation((0, 0, 1), -90),
    "upside down": rotation((1, 0, 0), 180),
    "bent over": rotation((1, 0, 0), 120),
    "askew": rotation((1, 2, 3), 77),
}


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
@pytest.mark.parametrize("nod", [-50.0, 0.0, 60.0])
def test_the_head_looks_where_the_joints_say_however_the_body_lies(turn: NDArray[np.float64], nod: float) -> None:
    up, front = figure.head_axes(pose(head=head(nod)) @ turn.T)
    expected = rotation((1, 0, 0), nod)
    np.testing.assert_allclose(front, turn @ expected @ (0, 0, 1), atol=0.02)
    np.testing.assert_allclose(up, turn @ expected @ (0, 1, 0), atol=0.02)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_turned_head_looks_to_that_side(side: float) -> None:
    _, front = figure.head_axes(pose(head=head(turn=side * 50)).astype(np.float64))
    assert 15 < side * np.degrees(np.arctan2(front[0], front[2])) < 60


@pytest.mark.parametrize("look", ["default", "dark"])
def test_the_face_is_lighter_than_the_head_and_seen_from_the_front_alone(look: str) -> None:
    faces = []
    for azimuth in (0.0, 180.0):
        options = theme(look, legend=False, azimuth=azimuth, elevation=0.0)
        face = render.tones(options.colour("spine"))["face"] * 255
        colour = "#" + "".join(f"{round(value):02x}" for value in face)
        faces.append(near(decoded(renderer_of(options).draw(STANDING, "")), colour, 6)[:450].sum())
    assert faces[0] > 1500
    assert faces[1] < 0.2 * faces[0]


def test_the_shadow_is_on_the_floor_below_the_body(renderer: PoseRenderer) -> None:
    picture = decoded(renderer.draw(STANDING + np.float32([0, 0.4, 0]), ""))
    feet = np.nonzero(near(picture, LIGHT_THEME.left))[0].max()
    below = picture[feet + 20 : feet + 260, 500:700]  # only the floor and the shadow
    assert (below.max(axis=2) < 225).sum() > 2000


def test_nearer_limbs_cover_farther_ones() -> None:
    options = replace(LIGHT_THEME, azimuth=90.0, elevation=0.0, legend=False)  # at the person's left
    arms = decoded(renderer_of(options).draw(STANDING, ""))
    left, right = near(arms, options.left).sum(), near(arms, options.right).sum()
    assert left > 10 * right


@pytest.mark.parametrize(
    "caption",
    [
        "",
        " \n\t ",
        "word " * 2000,
        "x" * 10_000,
        "字" * 10_000,
        "$x$ $$ \\frac{1}{2} x_1^2 \\",
        "two\nlines\r\nand \x00 \x1b[31m controls",
        "emoji 🧍‍♂️ 👋🏽 ❤️ 🇫🇷",
        "一个人向前走，然后挥手。",
        "شخص يقف على ساق واحدة",
        "אדם עומד (left leg) על רגל אחת",
        "एक व्यक्ति हाथ उठाकर खड़ा है",
        "a" + "\u0301" * 40,
        "e\u0301\u0302 lone \ud800 surrogate, \U0010ffff, \ue000, \u202eoverride\u202c",
    ],
)
def test_any_caption_is_drawn_within_its_area(renderer: PoseRenderer, caption: str) -> None:
    png = renderer.draw(STANDING, caption)
    assert len(png) <= 100_000
    changed = (decoded(png) != decoded(renderer.draw(STANDING, ""))).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert changed.any() == bool(caption.strip())
    if changed.any():
        assert rows.min() > 1020
        assert rows.max() < 1190
        assert columns.min() > 30
        assert columns.max() < 1170


def test_captions_are_not_parsed_as_markup() -> None:
    typesetter = Typesetter()
    plain, dollars = (typesetter.typeset(text, 1080, 130, (40,)).lines[0] for text in ("x_1", "$x_1$"))
    assert dollars.advance > plain.advance


@pytest.mark.parametrize("word", ["kneeling", "AVATAR", "To", "Yoga", "T-pose,", '"Tree"', "A"])
@pytest.mark.parametrize("size", [24, 40])
def test_words_match_those_shaped_by_freetype(word: str, size: int) -> None:
    font = FT2Font(str(FONTS / "DejaVuSans.ttf"))
    font.set_size(size, 72)
    font.set_text(word)
    font.draw_glyphs_to_bitmap(antialiased=True)
    shaped = np.array(font.get_image())
    (line,) = Typesetter([]).typeset(word, 1080, 132, (size,)).lines
    assert abs(line.advance - font.get_width_height()[0] / 64) <= 1
    assert abs(line.bitmap.sum(dtype=int) / shaped.sum(dtype=int) - 1) < 0.02
    columns, expected = (np.flatnonzero(bitmap.any(axis=0)) for bitmap in (line.bitmap, shaped))
    assert abs(np.ptp(columns) - np.ptp(expected)) <= 2


def test_long_captions_shrink_then_wrap_evenly_then_end_in_an_ellipsis() -> None:
    typesetter = Typesetter()
    sizes = (40, 32, 24)
    short, middle, endless = (
        typesetter.typeset(caption, 1080, 132, sizes)
        for caption in ("standing", "arms stretched out " * 6, "very long " * 999)
    )
    assert (short.size, len(short.lines)) == (40, 1)
    assert len(middle.lines) > 1
    assert min(line.advance for line in middle.lines) > 0.6 * max(line.advance for line in middle.lines)
    assert (endless.size, len(endless.lines)) == (24, 3)
    assert max(line.advance for line in endless.lines) <= 1100
    cut, _ = typesetter.normalise("very long " * 999)
    assert len(cut) < 2000


def missing_character(font: str, other: str) -> str:
    """A character that `other` has and `font` does not."""
    points = FT2Font(other).get_charmap().keys() - FT2Font(font).get_charmap().keys()
    return next(chr(point) for point in sorted(points) if chr(point).isprintable() and not 0xE000 <= point <= 0xF8FF)


def test_a_missing_character_is_drawn_with_a_font_that_has_it(caplog: pytest.LogCaptureFixture) -> None:
    character = missing_character(str(FONTS / "DejaVuSans.ttf"), STIX)
    with caplog.at_level(logging.WARNING):
        with_fallback = Typesetter([str(FONTS / "DejaVuSansMono.ttf"), STIX]).typeset(
            f"a {character}", 1080, 132, (40,)
        )
        with_box = Typesetter([str(FONTS / "DejaVuSansMono.ttf")]).typeset(f"a {character}", 1080, 132, (40,))
    assert not np.array_equal(with_fallback.lines[0].bitmap, with_box.lines[0].bitmap)
    assert np.array_equal(with_box.lines[0].bitmap, Typesetter([]).typeset("a □", 1080, 132, (40,)).lines[0].bitmap)
    assert len(caplog.records) == 1


def test_every_script_without_a_font_is_warned_about_once_with_a_remedy(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="mardm_batch.render.captions"):
        for caption in ("走 a", "跑 another", "नमस्ते", "走 and नमस्ते"):
            Typesetter([]).typeset(caption, 1080, 132, (40,))
    cjk, devanagari = caplog.records
    assert cjk.name == "mardm_batch.render.captions"
    assert "no installed font has some CJK characters, so pictures show boxes" in cjk.getMessage()
    assert "some Devanagari characters" in devanagari.getMessage()
    assert "Noto" in cjk.getMessage()


@pytest.mark.parametrize(
    ("caption", "drawn"),
    [
        ("waves 👋", "waves [waving hand sign]"),
        ("waves 👋🏽", "waves [waving hand sign]"),
        ("🏃‍♀️ runs", "[runner] runs"),
        ("👨‍👩‍👧", "[man][woman][girl]"),
        ("in 🇫🇷", "in [flag FR]"),
        ("1️⃣ 2⃣", "1 2"),
        ("❤️", "❤"),
        ("\U0001faff", "[emoji U+1FAFF]"),
        ("🏴\U000e0067\U000e0062\U000e007f", "[waving black flag]"),
        ("走", "□"),
    ],
)
def test_emoji_that_no_font_has_are_named_in_brackets(caption: str, drawn: str) -> None:
    assert Typesetter([]).normalise(caption)[0] == drawn


def test_emoji_that_no_font_has_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    for caption in ("waves 👋", "runs 🏃"):
        Typesetter([]).typeset(caption, 1080, 132, (40,))
    (record,) = caplog.records
    assert "emoji" in record.getMessage()
    assert "brackets" in record.getMessage()


def test_glyphs_of_a_colour_font_are_drawn_in_ink(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Fonts:
        """One font of coloured bitmaps, which has the waving hand alone."""

        def __init__(self, _: object) -> None:
            self.coloured = {"colour.ttf"}

        def path_for(self, character: str) -> str | None:
            return "colour.ttf" if character in "👋🏃" else None

    class Font:
        def __init__(self, path: str) -> None:
            assert path == "colour.ttf"

        def glyph(self, character: str, size: int) -> NDArray[np.uint8]:
            if character != "👋":
                raise OSError("no bitmap")
            return np.full((size, size), 200, np.uint8)

    monkeypatch.setattr("mardm_batch.render.captions.InstalledFonts", Fonts)
    monkeypatch.setattr("mardm_batch.render.captions.ColourFont", Font)
    typesetter = Typesetter([])
    (line,) = typesetter.typeset("waves 👋 שלום 👋👋", 1080, 132, (40,)).lines
    assert (line.bitmap == 200).sum() >= 3 * 39 * 40
    assert typesetter.normalise("🏃")[0] == "[runner]"


def colour_fonts() -> list[str]:
    return [path for path in font_manager.findSystemFonts() if "emoji" in path.lower() and "color" in path.lower()]


@pytest.mark.skipif(not colour_fonts(), reason="no colour emoji font is installed")
def test_an_installed_colour_font_draws_emoji() -> None:
    typesetter = Typesetter(colour_fonts())
    assert typesetter.normalise("👋🏽")[0] == "👋"
    assert typesetter.typeset("👋", 1080, 132, (40,)).lines[0].bitmap.max() > 60


def test_installed_fonts_are_not_searched_for_usual_captions(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("fonts were searched")

    monkeypatch.setattr("mardm_batch.render.captions.InstalledFonts.__init__", fail)
    PoseRenderer(LIGHT_THEME).draw(STANDING, "Größe, señor, Привет, Ελλάδα, مرحبا: 100 % – “quoted” …")


def test_unreadable_font_files_are_skipped(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"no font")
    character = missing_character(str(FONTS / "DejaVuSans.ttf"), STIX)
    text, _ = Typesetter([str(broken), str(tmp_path / "gone.ttf"), STIX]).normalise(character)
    assert text == character


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_joints_that_are_not_finite_or_too_far_away_raise(renderer: PoseRenderer, value: float) -> None:
    joints = STANDING.copy()
    joints[7, 1] = value
    with pytest.raises(ValueError, match="not finite"):
        renderer.draw(joints, "broken")


def test_joints_of_the_wrong_shape_raise(renderer: PoseRenderer) -> None:
    with pytest.raises(ValueError, match=r"\(21, 3\)"):
        renderer.draw(STANDING[:-1], "broken")


@pytest.mark.parametrize("joints", [np.zeros((NUM_JOINTS, 3)), np.full((NUM_JOINTS, 3), 99.0)])
def test_degenerate_joints_are_drawn(renderer: PoseRenderer, joints: NDArray[np.float64]) -> None:
    assert renderer.draw(joints, "all joints in one place")


@pytest.mark.parametrize(
    ("key", "value"),
    [("azimuth", 181), ("azimuth", "left"), ("elevation", -1), ("elevation", float("nan")), ("left", "bleu"),
     ("ink", 3), ("legend", "maybe")],
)  # fmt: skip
def test_settings_out_of_range_name_key_value_and_what_is_allowed(key: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"render\.{key}={value}.*must be ") as caught:
        theme(**{key: value})
    assert "\n" not in str(caught.value)


def test_every_option_changes_the_picture() -> None:
    usual = PoseRenderer(LIGHT_THEME).draw(STANDING, "standing")
    for key, value in asdict(LIGHT_THEME).items():
        if key in ("enabled", "views"):  # they decide which pictures there are
            continue
        other = not value if isinstance(value, bool) else "#808000" if isinstance(value, str) else value + 5
        assert PoseRenderer(replace(LIGHT_THEME, **{key: other})).draw(STANDING, "standing") != usual, key


@pytest.mark.parametrize("name", ["default", "dark"])
def test_themes_stay_within_255_colours(name: str) -> None:
    options = theme(name)
    assert options.enabled
    assert (options == LIGHT_THEME) == (name == "default")
    assert len(render.palette_colours(options)) <= 255
    assert len(PoseRenderer(options).draw(LYING, "A person lies on the back")) <= 100_000


def test_drawing_processes_import_neither_torch_nor_hydra_nor_pyplot() -> None:
    code = (
        "import sys, mardm_batch.run.writers, mardm_batch.render.renderer; "
        "print(sorted({'torch', 'hydra', 'omegaconf', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert finished.stdout.strip() == "[]"
