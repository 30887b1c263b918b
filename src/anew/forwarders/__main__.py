"""The process that sends what an experiment records: `python -m anew.forwarders`, started by `forwarding.launch`.

It reads one line of JSON from its standard input: {"folder", "prefix", "to": [addresses], "patience", "lock_wait", "once"}. The
end of that input says that the program which started it has ended, or wants it done soon. It answers on its standard
output with one line of JSON per place, when that place is done with.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from typing import Any

from ..forwarding.address import as_address
from ..forwarding.progress import key_of
from .following import Busy, follow_to_the_end


def main() -> None:
    """Send to every place, a thread each; returns when all are done."""
    request = json.loads(sys.stdin.readline())
    answers = os.fdopen(os.dup(1), "w")
    if not request["once"]:
        _step_back()
    _write_to(request["folder"])
    wake = threading.Event()
    threading.Thread(target=_until_input_ends, args=(wake,), daemon=True).start()
    threads = []
    for plain in request["to"]:
        arguments = (request, plain, wake, answers)
        threads.append(threading.Thread(target=_send, args=arguments, daemon=True))
        threads[-1].start()
    for thread in threads:
        thread.join()
    answers.flush()
    # Libraries wait for their own threads at exit, some without end; what they hold was made lasting.
    os._exit(0)


def _step_back() -> None:
    """Leave the processor to the program that records. Nobody waits for what is sent meanwhile; on a machine whose
    processors are all busy, a process that steps back hardly runs, so what a command waits for does not."""
    try:
        os.nice(15)
        with open("/proc/self/autogroup", "w") as group:
            group.write("15")
    except OSError:
        pass  # no such system, or not allowed: then it is as any process


def _write_to(folder: str) -> None:
    """Leave the terminal to the program: libraries print what they like."""
    try:
        log = os.path.join(folder, "forwarded", "output.log")
        os.makedirs(os.path.dirname(log), exist_ok=True)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    except OSError:
        out = os.open(os.devnull, os.O_WRONLY)
    os.dup2(out, 1)
    os.dup2(out, 2)


def _until_input_ends(wake: threading.Event) -> None:
    while sys.stdin.readline():
        pass
    wake.set()


def _send(request: dict[str, Any], plain: dict[str, Any], wake: threading.Event, out: Any) -> None:
    address = as_address(plain)
    answer: dict[str, Any] = {"key": key_of(address), "done": True}
    try:
        follow_to_the_end(
            request["folder"],
            address,
            prefix=request["prefix"],
            patience=request["patience"],
            lock_wait=request.get("lock_wait") or float("inf"),
            wake=wake,
            once=request["once"],
        )
    except Busy as error:
        answer |= {"done": False, "busy": True, "error": str(error)}
    except BaseException as error:  # noqa: BLE001  (it is told, in the answer and in the place's progress)
        import traceback

        traceback.print_exc()
        answer |= {"done": False, "error": f"{type(error).__name__}: {error}"}
    out.write(json.dumps(answer) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
