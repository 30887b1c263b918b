"""Answering a request of a program that waits: its argument and the answer are a line of JSON each."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import AnewError
from ..journal.layout import RootLayout
from ..syncing.outbox import Outbox

__all__ = ["answer"]

_AGAIN = 1.0


def answer(make: Callable[[Outbox, Mapping[str, Any]], dict[str, object]]) -> None:
    """Print what `make` answers to the request in the arguments of the process, or the error.

    A server that does not answer is tried again for as long as the request says ("patience", in seconds); one that refuses is not.
    """
    request = json.loads(sys.argv[1])
    outbox = Outbox(RootLayout(str(request["root"])), str(request["to"]))
    until = time.monotonic() + float(request["patience"])
    while True:
        try:
            found = make(outbox, request)
            break
        except OSError as error:
            found = {"error": str(error)}
        except AnewError as error:
            found = {"error": str(error)}
            break
        if time.monotonic() >= until:
            break
        time.sleep(_AGAIN)
    print(json.dumps(found), flush=True)
