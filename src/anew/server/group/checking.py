"""Whether a group's bucket still has the objects that its tables speak of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from blake3 import blake3

from ...reading.upkeep import Finding
from .contents import key_of_content
from .pieces import key_of
from .truth import Truth

__all__ = ["check_objects"]

_TOGETHER = 100
_AT_ONCE = 8


class _Expected(NamedTuple):
    """An object that should be there: what of an experiment it has, and its hash, where its bytes are to be compared."""

    experiment: str
    what: str
    key: str
    size: int
    hash: str | None = None


def check_objects(
    truth: Truth,
    experiments: Sequence[str],
    told: Callable[[int, int], object] = lambda done, total: None,
) -> Iterator[Finding]:
    """The objects of some experiments that are missing, or are not what was written.

    Records are read and compared by their hashes. Of files, which may be large, only the sizes are compared.

    Args:
        told: Called with how many experiments are done, and of how many.

    Raises:
        OSError: The database or the bucket cannot be reached.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for first in range(0, len(experiments), _TOGETHER):
            some = list(experiments[first : first + _TOGETHER])
            expected = _expected(truth, some)
            wrong = {
                one: why
                for one, why in zip(expected, pool.map(lambda one: _look(truth, one), expected), strict=True)
                if why is not None
            }  # fmt: skip
            if wrong:
                # What was deleted for good while it was looked at is missing rightly.
                still, homes = set(_expected(truth, some)), truth.filings.find(some)
                for one, (kind, why) in wrong.items():
                    if one in still:
                        prefix = homes[one.experiment].prefix
                        reason = f"{why} It has {one.what}."
                        yield Finding(kind, reason, one.key, one.experiment, prefix)
            told(min(first + _TOGETHER, len(experiments)), len(experiments))


def _expected(truth: Truth, experiments: Sequence[str]) -> list[_Expected]:
    pieces = truth.database.ask(
        "SELECT experiment, name, start, size, hash FROM piece WHERE experiment = ANY(%s) ORDER BY 1, 2, 3",
        (experiments,),
    )
    files = truth.database.ask(
        "SELECT file.experiment, file.path, file.hash, file.size FROM file LEFT JOIN content USING (hash) "
        "WHERE file.experiment = ANY(%s) AND content.data IS NULL ORDER BY 1, 2",
        (experiments,),
    )
    return [
        _Expected(one, f"the bytes {start:,} to {start + size:,} of {name}", key_of(one, name, start), size, hash)
        for one, name, start, size, hash in pieces
    ] + [_Expected(one, path, key_of_content(hash), size) for one, path, hash, size in files]  # fmt: skip


def _look(truth: Truth, one: _Expected) -> tuple[str, str] | None:
    """What is wrong with an object: the kind of finding, and a sentence."""
    try:
        if one.hash is None:
            size, same = truth.blobs.size(one.key), True
        else:
            data = truth.blobs.read(one.key)
            size, same = len(data), blake3(data).hexdigest() == one.hash
    except FileNotFoundError:
        return "unreadable", "The object is missing from the bucket."
    if size != one.size:
        return "corrupt file", f"The object has {size:,} bytes instead of {one.size:,}."
    return None if same else ("corrupt file", "The object has other bytes than were written.")
