"""Save a view of a Weights & Biases project in which runs that make poses are compared: samples, quality, speed.

python tools/wandb_workspace.py ENTITY [PROJECT]

Needs the package wandb-workspaces and an API key (`wandb login`). It prints the address of the view, which every member
of the project can open; a report takes its panels by "Add to report".
"""

import argparse
from collections.abc import Sequence
from typing import Any, Final

NAME: Final = "Poses"
STEP: Final = "poses_done"
CURVES: Final = {
    "Quality": ("agreement", "agreement_below_half", "conditions_met", "bone_length_error_cm", "lowest_joint_cm"),
    "Speed": ("poses_per_second", "seconds_left", "device_memory_mb", "failures"),
}
"""Metrics of a run by the section that shows them."""
FINAL: Final = ("agreement", "conditions_met", "bone_length_error_cm", "diversity_cm", "poses_per_second")
"""Numbers of whole runs, as bars."""


def build_workspace(entity: str, project: str) -> Any:
    """The view as an object; nothing is sent. Runs of a sweep are one group."""
    import wandb_workspaces.reports.v2 as wr
    import wandb_workspaces.workspaces as ws

    samples = [
        wr.WeavePanelSummaryTable(table_name="samples", layout=wr.Layout(w=24, h=14)),
        wr.MediaBrowser(title="pictures", media_keys=["pictures"], num_columns=4, layout=wr.Layout(w=24, h=10)),
    ]
    curves = [
        ws.Section(name=name, is_open=True, panels=[wr.LinePlot(title=each, x=STEP, y=[each]) for each in metrics])
        for name, metrics in CURVES.items()
    ]
    bars = [wr.BarPlot(title=each, metrics=[each]) for each in FINAL]
    return ws.Workspace(
        name=NAME,
        entity=entity,
        project=project,
        sections=[
            ws.Section(name="Samples", is_open=True, panels=samples),
            *curves,
            ws.Section(name="Whole runs", is_open=True, panels=[*bars, wr.RunComparer(diff_only="split")]),
        ],
        settings=ws.WorkspaceSettings(x_axis=STEP, max_runs=20),
        runset_settings=ws.RunsetSettings(groupby=[ws.Metric("Group")]),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Save the view, and print its address."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("entity", metavar="ENTITY", help="team or user at Weights & Biases")
    parser.add_argument("project", metavar="PROJECT", nargs="?", default="mardm-batch")
    options = parser.parse_args(arguments)
    print(build_workspace(options.entity, options.project).save().url)


if __name__ == "__main__":
    main()
