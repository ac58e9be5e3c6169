"""Python's garbage collector, set for a process that lives long."""

import gc

OBJECTS = 20_000
"""How many more objects than before start a collection. A request makes thousands, and frees nearly all without one."""


def settle() -> None:
    """Take what is there for permanent, and collect the rest seldom: to be called when a process begins to serve.

    By default everything that was imported is looked through again and again, for nothing: a twentieth of the CPU time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS, 20, 20)
