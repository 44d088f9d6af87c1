"""`python -m mardm_batch`."""

from mardm_batch.system.early_signals import exit_on_signals


def main() -> None:
    """Console script and `python -m mardm_batch`: a signal during the imports ends them with one line too."""
    exit_on_signals()
    from mardm_batch.system.garbage import no_garbage_search
    from mardm_batch.system.signals import accept_signals

    accept_signals()  # a sweep starts its runs with signals blocked
    with no_garbage_search():
        from mardm_batch import cli
        from mardm_batch.system.terminal import flush_output

    try:
        cli.main()
    finally:
        flush_output()  # of what Hydra prints


if __name__ == "__main__":
    main()
