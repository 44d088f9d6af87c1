"""Look through the poses of a folder in a browser: search, filter, turn in 3D, accept and reject.

python -m mardm_batch.gallery OUTPUT_DIR… [--port N] [--open]
python -m mardm_batch.gallery OUTPUT_DIR… --static FILE.html
"""

import argparse
import importlib.util
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from mardm_batch.errors import InputError
from mardm_batch.gallery.index import PoseIndex
from mardm_batch.gallery.page import open_folders, static_page
from mardm_batch.system.commands import command_parser, report_user_errors, run_main
from mardm_batch.system.files import writable_file, write_atomically
from mardm_batch.system.terminal import counted, print_output, printable

LAST_PORT = 65535

USAGE = """\
  python -m mardm_batch.gallery SinglePose
      serves a page until Ctrl-C and prints its address
  python -m mardm_batch.gallery SinglePose --static poses.html
      writes one page that needs no server
  python -m mardm_batch.gallery poses/1.0 poses/3.0
      shows two runs, poses of the same caption side by side

Verdicts are kept in reviews.jsonl in the folder; a run with retry=rejected makes the rejected poses again. Poses that
a run makes meanwhile appear by themselves. Only this machine can open the page. Serving needs the extra
gallery: pip install 'mardm-batch[gallery]'. Exit codes: 0; 2 for a missing folder, one without poses and runs, a port
in use or a file that cannot be written; 130 after Ctrl-C.
"""


def build_parser() -> argparse.ArgumentParser:
    parser = command_parser("gallery", __doc__, USAGE)
    parser.add_argument(
        "output_dirs", type=Path, nargs="+", metavar="OUTPUT_DIR", help="folder with the poses of a run"
    )
    parser.add_argument(
        "--static", type=writable_file, metavar="FILE", help="write the gallery to this HTML file instead of serving it"
    )
    parser.add_argument(
        "--port", type=port_number, default=0, metavar="N", help="port of the page (default: any free one)"
    )
    parser.add_argument("--open", action="store_true", help="open the page in the default browser")
    return parser


def port_number(text: str) -> int:
    """An argparse type: a port, 0 for any."""
    if not text.isdecimal() or int(text) > LAST_PORT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a port; use a number from 0, for any free one, to {LAST_PORT}"
        )
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve or write the page. Bad input ends the process with one line and exit code 2."""
    options = build_parser().parse_args(arguments)
    with report_user_errors():
        index = PoseIndex(open_folders(options.output_dirs))
        if options.static is not None:
            write_atomically(options.static, static_page(index, options.static).encode("utf-8", "replace"))
            print_output(printable(f"{options.static}: {counted(len(index.entries), 'pose')}"))
            if options.open:
                webbrowser.open(options.static.resolve().as_uri())
            return 0
        for folder in index.folders:
            folder.check_shown()
        check_server_packages()
        from mardm_batch.gallery.server import serve  # starlette is an extra

        def announce(address: str) -> None:
            print_output(f"{address}\nOpen this address in a browser; Ctrl-C ends the gallery.")
            if options.open:
                webbrowser.open(address)

        serve(index, options.port, announce)
    return 0


def check_server_packages() -> None:
    """Raises InputError where the packages of the server are not installed."""
    missing = [name for name in ("starlette", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"serving needs {' and '.join(missing)}: pip install 'mardm-batch[gallery]'; --static FILE works without"
        )


if __name__ == "__main__":
    run_main(main)
