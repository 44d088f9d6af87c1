"""`python -m mardm_batch`."""

if __name__ == "__main__":
    from mardm_batch.cli import main

    main()
