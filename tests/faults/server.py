"""A process that has everything imported and forks a command each time: an injection takes a second, not ten.

It reads a JSON object a line, `{"module", "arguments", "folder", "environment", "output"}`, and answers with the
process id of the command, then, when it ended, with its exit status.
"""

import contextlib
import json
import os
import runpy
import sys
import traceback


def serve() -> None:
    import torch

    import mardm_batch.cli
    import mardm_batch.dataset.store
    import mardm_batch.generate
    import mardm_batch.run.writers
    import mardm_batch.verify.verification  # noqa: F401

    torch.set_num_threads(1)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            run(order)
        print(child, file=answers, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def run(order: dict) -> None:
    """The command in this process, which ends with it."""
    code = 70
    try:
        os.setsid()
        os.chdir(order["folder"])
        output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        null = os.open(os.devnull, os.O_RDONLY)
        for target, source in ((0, null), (1, output), (2, output)):
            os.dup2(source, target)
        os.environ.update(order["environment"])
        sys.argv = [order["module"], *order["arguments"]]
        try:
            if order["module"] == "mardm_batch":
                from mardm_batch.cli import main

                main()
                code = 0
            else:
                runpy.run_module(order["module"], run_name="__main__", alter_sys=False)
                code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        except KeyboardInterrupt:
            code = 130
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        import multiprocessing.util as util

        with contextlib.suppress(BaseException):
            util._exit_function()
        os._exit(code)
