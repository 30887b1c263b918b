"""Whether a server has what was recorded here: all of it, and each byte or point once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anew import Store
from sync.recorded import files, segments


def alike(here: Path, there: Path, *, bytes_only: bool = False) -> None:
    """Compare two folders, that of a client and that of a server.

    Args:
        bytes_only: What is recorded here was not given a status by a reader; so only the bytes and points are compared.
    """
    with Store(here) as local, Store(there) as remote:
        shown = {view.id: view for view in remote.list()}
        for view in local.list():
            other = shown[view.id]
            assert bytes_only or other.status == view.status, view.prefix
            _same_segments(Path(view.path), Path(other.path), view.prefix)
            assert files(Path(view.path)) == files(Path(other.path)), view.prefix
            counts = {name: one.count for name, one in view.metrics.items()}
            assert {name: one.count for name, one in other.metrics.items()} == counts, view.prefix
            if any(Path(other.path).glob("metrics/*.parquet")):
                for name in counts:
                    assert _points(other, name) == _points(view, name), (view.prefix, name)
        mine = {view.prefix for view in local.list()}
        assert [one for one in remote.doctor() if one.prefix in mine] == []


def _same_segments(here: Path, there: Path, prefix: str) -> None:
    """Byte by byte; of what the server has turned into columns, the points are compared."""
    sealed = {f"metrics/{one.stem}" for one in there.glob("metrics/*.parquet")}
    sealed |= {f"metrics/{one.stem}" for one in here.glob("metrics/*.parquet")}
    texts = [
        {name: data for name, data in segments(at).items() if name.rpartition(".")[0] not in sealed}
        for at in (here, there)
    ]
    assert texts[0] == texts[1], prefix


def _points(view: Any, name: str) -> str:
    read = view.metrics[name].read(order="written")
    return repr((read.steps.tolist(), read.values.tolist()))  # as text, in which NaN is equal
