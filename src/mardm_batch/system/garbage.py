"""Python's search for cyclic garbage, which looks through all records again and again while there come to be more."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_garbage_search() -> Iterator[None]:
    """Search for none while many records are made, none of which is garbage. Also a decorator."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searched:
            gc.enable()
