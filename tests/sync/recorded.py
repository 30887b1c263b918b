"""Roots that are written by hand, line by line, and a transport on which answers and connections get lost."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blake3 import blake3

from anew.index import Index
from anew.journal.edits import append_event
from anew.journal.layout import ExperimentLayout, RootLayout
from anew.journal.root import announce
from anew.record.encode import encode_line
from anew.record.ids import id_from_bytes
from anew.stores.open import open_stores
from serving import Answer, InProcess


class Root:
    """A root whose writers are the test itself: nothing is captured, and everything happens at once."""

    def __init__(self, path: Path, seed: int = 0) -> None:
        self.path = path
        self.layout = RootLayout(str(path))
        self.random = random.Random(seed)
        self.clock = 1_700_000_000.0 + seed
        self.folders: dict[str, Path] = {}
        self.prefixes: dict[str, str] = {}
        self.closed: set[tuple[str, str]] = set()

    def _now(self) -> float:
        self.clock += 0.125
        return self.clock

    def open(
        self,
        prefix: str,
        *,
        id: str = "",
        role: str = "lead",
        writer: str = "",
        heartbeat: float = 0.0,
    ) -> tuple[str, str]:
        """Begin a writer, of a new experiment if no id is given; the id and the writer's name."""
        experiment_id = id or id_from_bytes(self.random.randbytes(12))
        folder = self.folders.setdefault(experiment_id, self.path / prefix)
        self.prefixes.setdefault(experiment_id, prefix)
        (folder / "journal").mkdir(parents=True, exist_ok=True)
        number = len(list((folder / "journal").glob("0*.jsonl"))) + 1
        tail = id_from_bytes(self.random.randbytes(12))[:4]
        name = writer or f"{number:04d}-{'main' if role == 'lead' else 'rank1'}-{tail}"
        self.append(experiment_id, f"journal/{name}.jsonl", encode_line({
            "k": "opened", "t": self._now(), "version": 1, "experiment_id": experiment_id, "name": prefix,
            "role": role, "host": "elsewhere", "heartbeat": heartbeat, "prefix": prefix,
        }))  # fmt: skip
        announce(self.layout, "opened", experiment_id, prefix)
        return experiment_id, name

    def append(self, id: str, name: str, data: bytes) -> None:
        path = self.folders[id] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "ab") as file:
            file.write(data)

    def event(self, id: str, writer: str, kind: str, **fields: Any) -> None:
        self.append(
            id, f"journal/{writer}.jsonl", encode_line({"k": kind, "t": self._now(), **fields})
        )

    def points(self, id: str, writer: str, count: int) -> None:
        path = f"metrics/{writer}.jsonl"
        lines = [
            {"s": n, "t": self._now(), "m": {"loss": self.random.choice([0.5, 1e-300, "NaN", 3.0])}}
            for n in range(count)
        ]
        self.append(id, path, b"".join(map(encode_line, lines)))

    def file(self, id: str, writer: str, name: str, data: bytes) -> None:
        file_id = id_from_bytes(self.random.randbytes(12))
        path = f"files/docs/{file_id}/{name}"
        self.append(id, path, data)
        self.event(
            id, writer, "file", file_id=file_id, prefix="docs", name=name, path=path, size=len(data),
            hash=f"blake3:{blake3(data).hexdigest()}",
        )  # fmt: skip

    def close(self, id: str, writer: str, status: str = "completed") -> None:
        self.closed.add((id, writer))
        self.event(id, writer, "closed", status=status)
        announce(self.layout, "ended", id, self.prefixes[id])

    def edit(self, id: str, tag: str) -> None:
        layout = ExperimentLayout(str(self.folders[id]))
        append_event(self.layout, layout, id, "tags", add={tag: None}, remove=[])

    def seal(self, id: str) -> None:
        stores = open_stores(str(self.path))
        try:
            index = Index(stores)
            index.refresh()
            index.seal([id])
        finally:
            stores.close()

    def made(self, prefix: str, *, points: int = 3) -> str:
        """A whole experiment."""
        id, writer = self.open(prefix)
        self.event(id, writer, "params", params={"lr": 0.1})
        self.points(id, writer, points)
        self.file(id, writer, "a.txt", f"of {id}".encode())
        self.close(id, writer)
        return id


class Unreliable:
    """A transport on which requests and answers get lost, and requests arrive twice."""

    def __init__(self, inner: InProcess, random_: random.Random, rate: float = 0.3) -> None:
        self.inner = inner
        self.random = random_
        self.rate = rate

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, timeout: float, afresh: bool = False
    ) -> Answer:  # fmt: skip
        fate = self.random.random() / self.rate if self.rate else 1.0
        if fate < 0.3:
            raise ConnectionResetError("the request was lost")
        answer = self.inner.send(method, path, headers, body)
        if fate < 0.7:
            raise ConnectionResetError("the answer was lost")
        if fate < 1.0:
            answer = self.inner.send(method, path, headers, body)
        return answer

    def close(self) -> None:
        pass


def segments(folder: Path) -> dict[str, bytes]:
    """The segments of an experiment, and the bytes of each; of empty ones nothing."""
    return {
        f"{inside}/{path.name}": path.read_bytes()
        for inside in ("journal", "metrics", "logs")
        for path in sorted((folder / inside).glob("*"))
        if path.is_file() and not path.is_symlink() and path.stat().st_size
    }


def files(folder: Path) -> dict[str, bytes]:
    """The logged files of an experiment."""
    found = {}
    for at, _, names in os.walk(folder / "files"):
        for name in names:
            path = Path(at, name)
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found
