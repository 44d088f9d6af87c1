"""The figures of a benchmark as tables for the terminal."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from mardm_batch.benchmark.figures import Figures

SKIPPED = (
    "The published loop and dopri5 were skipped: they need the package torchdiffeq; pip install 'mardm-batch[dopri5]'"
)


def show(figures: Figures, console: Console) -> None:
    """Print all figures."""
    machine = figures.machine
    device = "" if machine.device == "cpu" else f", {machine.device}"
    title = f"{machine.processor}, {machine.cores} cores{device}, torch {machine.torch}; suite {figures.suite}"
    console.print(title, highlight=False)
    for table in (sampler_table(figures), baseline_table(figures), runs_table(figures), others_table(figures)):
        console.print(table)
    if figures.sampler_headline.plain_s_per_pose is None:
        console.print(SKIPPED, soft_wrap=True, markup=False)


def sampler_table(figures: Figures) -> Table:
    columns = ("precision", "poses at once", "published, s/pose", "ours, s/pose", "speed-up", "share of peak")
    table = new_table("Sampler, XL size", columns)
    extents: dict[str, list[str]] = {}
    for each in figures.sampler:
        extent = f"ours {each.run}" if each.plain_run is None else f"published {each.plain_run}, ours {each.run}"
        extents.setdefault(extent, []).append(str(each.batch))
        table.add_row(
            each.precision,
            str(each.batch),
            *map(number, (each.plain_s_per_pose, each.s_per_pose, each.speedup)),
            f"{each.peak_share:.0%}",
        )
    best = figures.sampler_headline
    table.add_section()
    table.add_row(
        "best", "", *map(number, (best.plain_s_per_pose, best.s_per_pose, best.speedup)), f"{best.peak_share:.0%}"
    )
    runs = "; ".join(f"{extent} (at {', '.join(dict.fromkeys(batches))})" for extent, batches in extents.items())
    table.caption = f"Best: our fastest against the published loop at its own batch size. Timed: {runs}."
    return table


def baseline_table(figures: Figures) -> Table:
    table = new_table("Against the baseline", ("", "baseline", "ours", "speed-up"))
    pictures, text = figures.pictures, figures.text_encoder
    table.add_row("draw and write a picture, ms", *map(number, (pictures.naive_ms, pictures.ms, pictures.speedup)))
    if text is not None:
        table.add_row("encode a caption by CLIP, ms", *map(number, (text.naive_ms, text.ms, text.speedup)))
    return table


def runs_table(figures: Figures) -> Table:
    columns = ("captions", "seconds", "poses/s", "at the start", "at the end", "memory, MB", "sampler, MB")
    table = new_table("From start to end: captions to pictures and joints on disk", columns)
    for run in figures.runs:
        rates = (run.poses_per_s, run.rate_at_start, run.rate_at_end)
        table.add_row(str(run.prompts), *map(number, (run.seconds, *rates, run.peak_rss_mb, run.sampler_peak_rss_mb)))
    return table


def others_table(figures: Figures) -> Table:
    table = new_table("Other figures", ("", ""))
    for label, value in other_figures(figures):
        table.add_row(label, number(value))
    return table


def other_figures(figures: Figures) -> Iterator[tuple[str, float | None]]:
    """Labels with their figures; None where a figure was not measured."""
    yield "--help, s", figures.start_up.help_s
    yield "error message for a bad setting, s", figures.start_up.bad_setting_s
    yield "first pose from the start of the command, s", figures.first_pose_s
    yield "embedded model: sample a pose, ms", figures.embedded.ms_per_pose
    yield "embedded model: mean joint distance to dopri5, mm", figures.embedded.dopri5_error_mm
    yield "embedded model: mean joint distance of bfloat16 to float32, mm", figures.embedded.bfloat16_error_mm
    yield "largest picture, kB", figures.pictures.largest_kb
    yield "preset lowmem, XL: peak memory of the sampler, MB", figures.memory.xl_peak_mb
    yield "preset lowmem, embedded model: peak memory of the sampler, MB", figures.memory.embedded_peak_rss_mb
    yield "matrix product in float32, GFLOP/s", figures.machine.float32_gflops
    yield "matrix product in bfloat16, GFLOP/s", figures.machine.bfloat16_gflops


def new_table(title: str, columns: Sequence[str]) -> Table:
    """A table whose first column is text, the others numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    return table


def number(value: float | None) -> str:
    """A number with three significant digits; empty where it was not measured."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
