"""How much a server is asked, and a line for each request."""

from __future__ import annotations

import sys
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from .intake.protocol import Standing

__all__ = ["Asked", "Observer", "to_standard_error"]

_BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)


class Asked(NamedTuple):
    """One request: which route and path, by whom, from which address."""

    route: str
    method: str
    path: str
    client: str
    caller: str


class _Line(msgspec.Struct, frozen=True):
    """A line of the access log."""

    time: str
    client: str
    caller: str
    method: str
    path: str
    route: str
    status: int
    ms: float


class Observer:
    """Counts requests, and writes them down if asked to. Any thread may use it.

    Args:
        write: Takes a line for each request. The query of a URL, headers and bodies are not in it, so neither are credentials.
    """

    def __init__(self, write: Callable[[str], object] | None = None) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self._seconds: dict[str, list[int]] = defaultdict(lambda: [0] * (len(_BOUNDS) + 1))
        self._sums: dict[str, float] = defaultdict(float)
        self.began = time.time()
        self.under_way = 0
        self.checking = False

    def saw(self, asked: Asked, status: int, seconds: float) -> None:
        """A request was answered, or its answer began."""
        with self._lock:
            self._requests[asked.route, asked.method, status] += 1
            self._seconds[asked.route][bisect_left(_BOUNDS, seconds)] += 1
            self._sums[asked.route] += seconds
        if self._write is not None:
            now = time.time()
            line = _Line(
                time=time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
                + f".{int(now % 1 * 1000):03d}Z",
                client=asked.client,
                caller=asked.caller,
                method=asked.method,
                path=asked.path,
                route=asked.route,
                status=status,
                ms=round(seconds * 1000, 1),
            )
            self._write(msgspec.json.encode(line).decode())

    def text(self, streams: int, standing: Standing | None = None) -> str:
        """All of it in the text format of Prometheus.

        Args:
            streams: Streams of changes that are open.
            standing: How far what takes uploads is behind, if anything does.
        """
        with self._lock:
            requests = sorted(self._requests.items())
            seconds = {name: list(counts) for name, counts in sorted(self._seconds.items())}
            sums = dict(self._sums)
        lines = [
            *_said(
                "anew_start_time_seconds",
                "gauge",
                "When the server began, seconds since the epoch.",
            ),
            f"anew_start_time_seconds {self.began:.3f}",
            *_said("anew_streams", "gauge", "Streams of changes that are open."),
            f"anew_streams {streams}",
            *_said("anew_requests_under_way", "gauge", "Requests that are being answered."),
            f"anew_requests_under_way {self.under_way}",
        ]
        if standing is not None:
            lines += _of_uploads(standing)
        lines += _said("anew_requests_total", "counter", "Requests by route, method and status.")
        lines += [
            f'anew_requests_total{{route="{route}",method="{method}",status="{status}"}} {count}'
            for (route, method, status), count in requests
        ]
        lines += _said(
            "anew_request_seconds", "histogram", "Seconds until an answer began, by route."
        )
        for route, counts in seconds.items():
            total = 0
            for bound, count in zip((*map(str, _BOUNDS), "+Inf"), counts, strict=True):
                total += count
                lines.append(f'anew_request_seconds_bucket{{route="{route}",le="{bound}"}} {total}')
            lines.append(f'anew_request_seconds_sum{{route="{route}"}} {sums[route]:.6f}')
            lines.append(f'anew_request_seconds_count{{route="{route}"}} {total}')
        return "\n".join(lines) + "\n"


def _of_uploads(standing: Standing) -> list[str]:
    tail = standing.tail
    of_tail = [] if tail is None else [
        *_said("anew_tail_bytes", "gauge", "Bytes of segments and files that are in the database and not in the bucket yet."),
        f"anew_tail_bytes {tail.bytes}",
        *_said("anew_tail_lag_seconds", "gauge", "How long the oldest of these bytes have waited."),
        f"anew_tail_lag_seconds {tail.seconds:.3f}",
    ]  # fmt: skip
    series = standing.series
    of_series = [] if series is None else [
        *_said("anew_series_up", "gauge", "Whether ClickHouse can be used: 1 or 0. Without it, points are read from the records."),
        f"anew_series_up {int(not series.failing)}",
        *_said("anew_series_failures_total", "counter", "How often ClickHouse could not be used."),
        f"anew_series_failures_total {series.failures}",
    ]  # fmt: skip
    return [
        *_said(
            "anew_index_lag_seconds",
            "gauge",
            "Age of the oldest upload that readers do not see yet.",
        ),
        f"anew_index_lag_seconds {standing.index_lag:.3f}",
        *_said("anew_unfinished_contents", "gauge", "Files of which a client has sent a part."),
        f"anew_unfinished_contents {standing.unfinished}",
        *_said("anew_unfinished_bytes", "gauge", "Bytes of these parts."),
        f"anew_unfinished_bytes {standing.unfinished_bytes}",
        *of_tail,
        *of_series,
    ]


def to_standard_error(line: str) -> None:
    """Where the access log goes."""
    print(line, file=sys.stderr, flush=True)


def _said(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
