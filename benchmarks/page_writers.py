"""Writes curves with a tracker that is installed in an environment of its own.

Runs as a script with that environment's interpreter, so it imports nothing but the standard library and the tracker:
`python page_writers.py TRACKER FOLDER SECONDS`, with the curves as JSON on standard input, one experiment each. The last line
printed says how many there was time to write.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator


def aim(folder: str, curves: list[list[float]]) -> Iterator[None]:
    from aim import Repo, Run

    repo = Repo.from_path(folder, init=True)
    for values in curves:
        run = Run(repo=repo, system_tracking_interval=None, capture_terminal_logs=False)
        for step, value in enumerate(values):
            run.track(value, name="m0", step=step)
        run.close()
        yield


def trackio(folder: str, curves: list[list[float]]) -> Iterator[None]:
    os.environ["TRACKIO_DIR"] = folder
    import trackio

    for at, values in enumerate(curves):
        trackio.init(project="page", name=f"e{at:04d}", embed=False)
        for step, value in enumerate(values):
            trackio.log({"m0": value}, step=step)
        trackio.finish()
        yield


def main(tracker: str, folder: str, seconds: str) -> None:
    until = time.monotonic() + float(seconds)
    written = 0
    for _ in {"aim": aim, "trackio": trackio}[tracker](folder, json.load(sys.stdin)):
        written += 1
        if time.monotonic() > until:
            break
    print(f"\n{written}")


if __name__ == "__main__":
    main(*sys.argv[1:])
