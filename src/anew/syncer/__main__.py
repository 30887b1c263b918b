"""The process beside the programs: `python -m anew.syncer`, started by `syncing.launch`.

Its argument is JSON: {"root", "to"}. It ends by itself when nothing is left to push, or when another process does the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping

from ..journal.layout import RootLayout
from ..journal.lock import locked
from ..syncing.outbox import Outbox
from .outcome import Outcome, Pass

_HANDOVER = 0.5


def main() -> None:
    """Push until nothing is left."""
    request = json.loads(sys.argv[1])
    os.closerange(3, 256)  # what a program around left open for its children
    outbox = Outbox(RootLayout(str(request["root"])), str(request["to"]))
    with contextlib.suppress(OSError):
        os.chdir("/")
    # Whoever removed the folder while this process started does not want it back.
    while os.path.isdir(outbox.folder):
        # A program that looks whether the lock is free holds it for a moment.
        with locked(outbox.lock, _HANDOVER) as held:
            if not held:
                return
            read, stopped = _push(outbox)
        # A program that registered something while the lock was held has left it to us.
        if stopped or outbox.size() <= read:
            return


def _push(outbox: Outbox) -> tuple[int, bool]:
    """Push; how long the outbox was when it was read last, and whether we were told to stop."""
    # Now, for most processes that come to the lock find that it is held already.
    from .beside import Beside
    from .freeing import free_copies
    from .passing import pass_to

    with contextlib.suppress(OSError):
        os.ftruncate(2, 0)
    _step_back()
    with pass_to(outbox) as push:
        beside = Beside(outbox, push, lambda: free_copies(outbox, _once(push)))
        signal.signal(signal.SIGTERM, lambda *_: beside.stop())
        beside.run()
        return beside.seen, beside.stopped


def _once(push: Pass) -> Callable[[Mapping[str, str]], Outcome]:
    return lambda experiments: push(experiments, {}, lambda: False)


def _step_back() -> None:
    """Leave the processor to the programs that record, but not so far that a busy machine never pushes."""
    with contextlib.suppress(OSError):
        os.nice(10)


if __name__ == "__main__":
    main()
