"""The program `sidecar-plugin` as a process of its own: how it starts and how it ends.

A run on a small chart is mostly start and end, and must take no longer than `helm template` (docs/performance.md). So the
garbage collector is off: it takes 3 ms, and what it would free is little. When all output is written, the process ends at once:
Python takes 6 ms to free what the system frees anyway. SIGINT ends the program as it ends others, without a traceback.
"""

import gc
import os
import signal
import sys
from typing import NoReturn


def program() -> NoReturn:
    """Run the command line of this process, and end the process with its exit status."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    for standard in (0, 1, 2):
        try:
            os.fstat(standard)
        except OSError:  # it is closed: no file or pipe of ours must come in its place
            os.open(os.devnull, os.O_RDWR)
    gc.disable()
    from sidecar_plugin.frontends.cli import main

    status = main()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            pass  # whoever read it has gone, or a disk is full; `main` has made the status of that
    os._exit(status)
