"""The numbers of a benchmark as tables on the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

Numbers = Mapping[str, float | str]

BESIDE_THE_PLAIN_WAY = {
    "render": "a picture, drawn and written, ms",
    "text.clip": "a caption by CLIP's text encoder, ms",
}
OTHERS = {
    "startup.help_s": "--help, s",
    "startup.bad_setting_s": "a bad setting is refused, s",
    "startup.first_pose_s": "first pose from the start of the command, s",
    "sampler.embedded.ms_per_pose": "a pose by the embedded model, sampled, ms",
    "sampler.embedded.dopri5_error_mm": "its fixed steps from dopri5, mean over joints, mm",
    "sampler.embedded.bfloat16_error_mm": "bfloat16 from float32, mean over joints, mm",
    "render.largest_kb": "the largest picture, kB",
    "lowmem.xl_peak_mb": "preset lowmem, XL: memory of the sampler, MB",
    "lowmem.embedded_peak_rss_mb": "preset lowmem, embedded model: memory of the sampler, MB",
    "machine.float32_gflops": "matrix product in float32, GFLOP/s",
    "machine.bfloat16_gflops": "matrix product in bfloat16, GFLOP/s",
}


def show(numbers: Numbers, console: Console) -> None:
    """Print what was measured."""
    words = ("processor", "cores", "device", "torch")
    processor, cores, device, torch = (numbers[f"machine.{word}"] for word in words)
    where = "" if device == "cpu" else f", {device}"
    console.print(f"{processor}, {cores} cores{where}, torch {torch}; suite {numbers['suite']}", highlight=False)
    for table in (sampler_table(numbers), plain_way_table(numbers), end_to_end_table(numbers), others_table(numbers)):
        console.print(table)


def sampler_table(numbers: Numbers) -> Table:
    columns = ("precision", "poses at once", "plain, s/pose", "ours, s/pose", "times faster", "share of peak")
    table = new_table("Sampler, XL size", columns)
    timed: dict[str, list[str]] = {}
    for key in sections(numbers, "sampler.xl.", ".peak_share"):
        _, _, precision, batch = key.split(".")
        batch = batch.removeprefix("batch_")
        run = f"ours {numbers[f'{key}.run']}"
        if f"{key}.plain_run" in numbers:
            run = f"plain {numbers[f'{key}.plain_run']}, {run}"
        timed.setdefault(run, []).append(batch)
        figures = (shown(numbers, f"{key}.{name}") for name in ("plain_s_per_pose", "s_per_pose", "speedup"))
        table.add_row(precision, batch, *figures, f"{numbers[f'{key}.peak_share']:.0%}")
    figures = (shown(numbers, f"sampler.xl.{name}") for name in ("plain_s_per_pose", "s_per_pose", "speedup"))
    table.add_section()
    table.add_row("the best", "", *figures, f"{numbers['sampler.xl.peak_share']:.0%}")
    runs = (f"{run} (at {', '.join(dict.fromkeys(batches))})" for run, batches in timed.items())
    table.caption = "The best: ours at its best beside plain as published. Timed were: " + "; ".join(runs) + "."
    return table


def plain_way_table(numbers: Numbers) -> Table:
    table = new_table("Beside the plain way", ("", "plain", "ours", "times faster"))
    for key, words in BESIDE_THE_PLAIN_WAY.items():
        if f"{key}.ms" in numbers:
            table.add_row(words, *(shown(numbers, f"{key}.{name}") for name in ("naive_ms", "ms", "speedup")))
    return table


def end_to_end_table(numbers: Numbers) -> Table:
    columns = ("captions", "seconds", "poses/s", "poses/s at first", "poses/s at last", "memory, MB", "sampler, MB")
    table = new_table("End to end: captions to pictures and joints on disk", columns)
    names = ("seconds", "poses_per_s", "rate_at_start", "rate_at_end", "peak_rss_mb", "sampler_peak_rss_mb")
    for key in sections(numbers, "end_to_end.", ".seconds"):
        table.add_row(key.rpartition("_")[2], *(shown(numbers, f"{key}.{name}") for name in names))
    return table


def others_table(numbers: Numbers) -> Table:
    table = new_table("More", ("", ""))
    for key, words in OTHERS.items():
        table.add_row(words, shown(numbers, key))
    return table


def new_table(title: str, columns: Sequence[str]) -> Table:
    """The first column holds words, the others figures."""
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def sections(numbers: Numbers, start: str, end: str) -> list[str]:
    """What stands before `end` in the keys that are longer than the headlines."""
    return [
        key.removesuffix(end)
        for key in numbers
        if key.startswith(start) and key.endswith(end) and "_" in key[: -len(end)]
    ]


def shown(numbers: Numbers, key: str) -> str:
    """Three figures that matter; nothing where it was not measured."""
    value = numbers.get(key, "")
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
