"""Making a group's tables again from the objects in its bucket, when the database is lost; and checking that all is there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import msgspec
from blake3 import blake3
from psycopg import Connection
from psycopg.errors import UniqueViolation

from ...blobs.blob import Blob
from ...blobs.protocol import Blobs
from ...index import Progress, Refreshed
from ...reading.local.seen import Seen
from ...reading.upkeep import Finding
from ...record.root import Hint, decode_root
from ..intake.contents import is_hash
from ..intake.names import check_path, is_id, is_segment
from .address import GroupAddress
from .database import Row
from .keeping import FILING, NAMES, ROOT, Filing, Name
from .opening import open_group, open_truth, remove_series
from .pieces import Altered
from .segments import ENDING
from .truth import RECOVERING, Truth
from .upkeep import GroupUpkeep

__all__ = ["Recovered", "check_group", "rebuild_group", "recover"]

_AT_ONCE = 8
_ROWS = 5_000
_NUMBER = 16

T = TypeVar("T")


class Recovered(NamedTuple):
    """What the bucket had.

    Attributes:
        experiments: How many there are, those in the trash too.
        bytes: Of segments.
        contents: Files, by their content.
        events: Lines of the root's journal.
        problems: What could not be made again: a key, and why.
    """

    experiments: int
    bytes: int
    contents: int
    events: int
    problems: tuple[tuple[str, str], ...]


class _Piece(NamedTuple):
    start: int
    size: int
    hash: str
    ending: bytes


class _Found(NamedTuple):
    """What the bucket has of one experiment."""

    filing: Filing
    names: Mapping[str, Name]
    segments: Mapping[str, Sequence[_Piece]]


def recover(
    truth: Truth,
    told: Callable[[int, int], object] = lambda done, total: None,
    *,
    newer: bool = False,
) -> Recovered:
    """Fill the tables of what is true from the objects. What they have already stays, so it may be done again after an interruption.

    Accounts are in no object, and neither are those bytes that were in the database alone when it was lost: clients send
    them again.

    Args:
        told: Called with how many experiments are done, and of how many.

    Args:
        newer: Whether the objects are newer than the tables, which were restored from a backup: then what the objects say counts.

    Raises:
        OSError: The database or the bucket cannot be reached.
    """
    blobs = truth.blobs
    truth.database.do(
        "INSERT INTO claim (what, number) VALUES (%s, 1) ON CONFLICT DO NOTHING", (RECOVERING,)
    )
    by_experiment: dict[str, list[Blob]] = defaultdict(list)
    for one in blobs.list("experiments"):
        by_experiment[one.key.split("/", 2)[1]].append(one)
    problems: list[tuple[str, str]] = []
    if newer:
        _flush(truth, problems)
    events = _recover_lines(truth, problems)
    contents = _recover_contents(truth)
    _recover_conflicts(truth)
    size = done = 0
    later: list[_Found] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda item: _look(blobs, *item), sorted(by_experiment.items()))
        for number, (known, wrong) in enumerate(found, 1):
            problems += wrong
            if known is not None:
                size += _recover_experiment(truth, known)
                done += 1
                if newer:
                    later += [] if _catch_up(truth, known) else [known]
            told(number, len(by_experiment))
    problems += [
        (f"experiments/{one.filing.id}", f"another experiment is at {one.filing.prefix!r}")
        for one in later
        if not _catch_up(truth, one)  # whoever was in its place has moved on by now
    ]
    truth.database.do("DELETE FROM claim WHERE what = %s", (RECOVERING,))
    return Recovered(done, size, contents, events, tuple(problems))


def rebuild_group(
    group: GroupAddress, progress: Progress | None = None, *, from_bucket: bool = False
) -> tuple[Recovered | None, Refreshed]:
    """Make again what is derived from a group's records, and if its database was lost, also the tables that say what they are.

    Servers of the group may run meanwhile, unless `from_bucket` is given.

    Args:
        from_bucket: Also take what the bucket has and the database does not, since that was restored from an older backup.

    Returns:
        What was made again from the objects, if that was needed, and what was indexed.

    Raises:
        InvalidSetting, MissingDependency, UnknownFormat: See `open_truth`.
        OSError: The database or the bucket cannot be reached.
    """
    truth = open_truth(group)
    try:
        recovered = (
            recover(truth, progress or (lambda done, total: None), newer=from_bucket)
            if from_bucket or truth.is_lost()
            else None
        )
        remove_series(group, truth)
    finally:
        truth.database.close()
    opened = open_group(group, works=False)
    try:
        return recovered, opened.stores.rebuild(progress)
    finally:
        opened.close()


def check_group(group: GroupAddress, progress: Progress | None = None) -> Sequence[Finding]:
    """What is damaged in a group's stores, see `GroupUpkeep.doctor`. Servers of the group may run meanwhile.

    Raises:
        InvalidSetting, MissingDependency, UnknownFormat: See `open_truth`.
        OSError: The database or the bucket cannot be reached.
    """
    opened = open_group(group, works=False)
    try:
        return GroupUpkeep(opened.stores, Seen(opened.stores)).doctor(progress=progress)
    finally:
        opened.close()


# -- one experiment -----------------------------------------------------------------------------------


def _look(
    blobs: Blobs, experiment: str, objects: Sequence[Blob]
) -> tuple[_Found | None, list[tuple[str, str]]]:
    """What the objects of an experiment say, and which of them say nothing."""
    problems: list[tuple[str, str]] = []
    filings, names, pieces = (
        dict[int, str](),
        dict[int, str](),
        defaultdict[str, list[tuple[int, Blob]]](list),
    )
    for one in objects:
        kind, _, rest = one.key.split("/", 2)[2].partition("/")
        name, _, digits = rest.rpartition("/")
        number = _number(digits)
        if number is None:
            problems.append((one.key, "this is no name of an object of an experiment"))
        elif kind == FILING and not name:
            filings[number] = one.key
        elif kind == NAMES and not name:
            names[number] = one.key
        elif kind == "segments" and is_segment(name):
            pieces[name].append((number, one))
        else:
            problems.append((one.key, "this is no name of an object of an experiment"))
    filing = None
    for number in sorted(filings, reverse=True):
        filing = _decoded(blobs, filings[number], Filing, problems)
        if filing is not None and filing.id == experiment and is_id(experiment):
            break
        filing = None
    if filing is None:
        problems.append(
            (f"experiments/{experiment}", "nothing says where this experiment is filed")
        )
        return None, problems
    if filing.state == "purged":
        return _Found(filing, {}, {}), problems
    named: dict[str, Name] = {}
    for number in sorted(names):
        for each in _decoded(blobs, names[number], list[Name], problems) or ():
            if check_path(each.path) is None and is_hash(each.hash) and each.size >= 0:
                named[each.path] = each
    chains = {
        name: chain
        for name, some in pieces.items()
        if (chain := _chain(blobs, name, sorted(some), problems))
    }
    _settle_parts(named, chains)
    return _Found(filing, named, chains), problems


def _decoded(blobs: Blobs, key: str, kind: type[T], problems: list[tuple[str, str]]) -> T | None:
    try:
        return msgspec.json.decode(blobs.read(key), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problems.append((key, f"it cannot be read: {error}"))
        return None


def _chain(
    blobs: Blobs, name: str, pieces: Sequence[tuple[int, Blob]], problems: list[tuple[str, str]]
) -> list[_Piece]:
    """The pieces of a segment that follow each other from its beginning."""
    chain: list[_Piece] = []
    at, ending = 0, b""
    for start, blob in pieces:
        if start != at:
            problems.append((blob.key, f"the bytes from {at} to {start} of {name} are missing"))
            break
        data = blobs.read(blob.key)
        ending = (ending + data)[-ENDING:]
        chain.append(_Piece(start, len(data), blake3(data).hexdigest(), ending))
        at += len(data)
    return chain


def _settle_parts(named: dict[str, Name], chains: dict[str, list[_Piece]]) -> None:
    """Of a sealed part and its lines, keep the one that has more: each may have taken the other's place."""
    for path, one in list(named.items()):
        lines = f"{path.removesuffix('.parquet')}.jsonl"
        if one.text_size is None or lines not in chains:
            continue
        last = chains[lines][-1]
        if last.start + last.size >= one.text_size:
            del named[path]
        else:
            del chains[lines]


def _recover_experiment(truth: Truth, found: _Found) -> int:
    """Fill the tables with one experiment; the bytes of its segments."""
    one = found.filing
    with truth.database.transaction() as connection:
        made = connection.execute(
            "INSERT INTO experiment (id, prefix, owner, name, state, deleted_at, version, kept) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) "
            "ON CONFLICT DO NOTHING",
            (one.id, one.prefix, one.owner, one.name, one.state, one.deleted_at, one.version, one.version),
        )  # fmt: skip
        if not made.rowcount and one.id not in truth.filings.find([one.id], connection):
            # It was moved, and that was in no object yet: another one has its prefix.
            truth.filings.file(connection, one.id, one.prefix)
        connection.execute("INSERT INTO lease (experiment) VALUES (%s) ON CONFLICT DO NOTHING", (one.id,))  # fmt: skip
        cursor = connection.cursor()
        size = 0
        for name, chain in found.segments.items():
            length = chain[-1].start + chain[-1].size
            added = connection.execute(
                "INSERT INTO segment (experiment, name, size, flushed, ending) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (one.id, name, length, length, chain[-1].ending),
            )
            if added.rowcount:
                cursor.executemany(
                    "INSERT INTO piece (experiment, name, start, size, hash) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    [(one.id, name, each.start, each.size, each.hash) for each in chain],
                )
            size += length
        cursor.executemany(
            "INSERT INTO file (experiment, path, hash, size, executable, text_size, text_hash, kept) VALUES (%s, %s, %s, %s, %s, %s, %s, true) "
            "ON CONFLICT DO NOTHING",
            [(one.id, n.path, n.hash, n.size, n.executable, n.text_size, n.text_hash) for n in found.names.values()],
        )  # fmt: skip
    return size


def _flush(truth: Truth, problems: list[tuple[str, str]]) -> None:
    """Have the tables know of the objects that were made of what waits in them."""
    try:
        while truth.segments.flush(least=0, older=0.0):
            pass
        truth.contents.flush()
    except Altered as error:
        problems.append((str(error.filename or "experiments"), error.strerror or str(error)))


def _catch_up(truth: Truth, found: _Found) -> bool:
    """Have the tables say of an experiment what the objects say; False if another one is at its prefix."""
    one = found.filing
    try:
        with truth.database.transaction() as connection:
            connection.execute(
                "UPDATE experiment SET prefix = %s, owner = coalesce(%s, owner), name = %s, state = %s, deleted_at = %s, version = %s, "
                "kept = %s WHERE id = %s AND version < %s",
                (one.prefix, one.owner, one.name, one.state, one.deleted_at, one.version, one.version, one.id, one.version),
            )  # fmt: skip
            if one.state == "purged":
                for table in ("segment", "chunk", "piece", "file", "conflict"):
                    connection.execute(f"DELETE FROM {table} WHERE experiment = %s", (one.id,))
            for name, chain in found.segments.items():
                _lengthen(connection, one.id, name, chain)
            connection.cursor().executemany(
                "UPDATE file SET hash = %s, size = %s, executable = %s, text_size = %s, text_hash = %s, kept = true "
                "WHERE experiment = %s AND path = %s AND hash <> %s",
                [(n.hash, n.size, n.executable, n.text_size, n.text_hash, one.id, n.path, n.hash) for n in found.names.values()],
            )  # fmt: skip
    except UniqueViolation:
        return False
    return True


def _lengthen(
    connection: Connection[Row], experiment: str, name: str, chain: Sequence[_Piece]
) -> None:
    """Have a segment go on with the objects that follow what the tables know of it."""
    rows = connection.execute(
        "SELECT size, flushed FROM segment WHERE experiment = %s AND name = %s FOR UPDATE", (experiment, name)
    ).fetchall()  # fmt: skip
    if not rows or rows[0][0] != rows[0][1]:
        return
    further = [piece for piece in chain if piece.start >= rows[0][1]]
    if not further or further[0].start != rows[0][1]:
        return
    connection.cursor().executemany(
        "INSERT INTO piece (experiment, name, start, size, hash) VALUES (%s, %s, %s, %s, %s)",
        [(experiment, name, piece.start, piece.size, piece.hash) for piece in further],
    )
    end = further[-1].start + further[-1].size
    connection.execute(
        "UPDATE segment SET size = %s, flushed = %s, ending = %s WHERE experiment = %s AND name = %s",
        (end, end, further[-1].ending, experiment, name),
    )


# -- what experiments share -----------------------------------------------------------------------------


def _recover_lines(truth: Truth, problems: list[tuple[str, str]]) -> int:
    """The lines of the root's journal, in their order."""
    ranges: list[tuple[int, int, str]] = []
    for key in truth.blobs.keys(ROOT):
        first, _, rest = key.rpartition("/")[2].partition("-")
        start, end = _number(first), _number(rest.partition("-")[0])
        if start is None or end is None:
            problems.append((key, "this is no name of lines of the root's journal"))
        else:
            ranges.append((start, end, key))
    lines: dict[str, bytes] = {}
    for _, _, key in sorted(ranges):
        good, broken = decode_root(truth.blobs.read(key), hints=False)
        problems += [(key, one.reason) for one in broken]
        for one in good:
            if not isinstance(one.event, Hint):
                lines.setdefault(one.event.id, one.raw + b"\n")
    if not ranges:
        return 0
    with truth.database.transaction() as connection:
        # Numbers go on behind those of all objects, so that each object still has a name of its own.
        connection.execute(
            "SELECT setval(pg_get_serial_sequence('root_line', 'number'), "
            "greatest(%s, (SELECT coalesce(max(number), 1) FROM root_line)))",
            (max(end for _, end, _ in ranges),),
        )
        truth.lines.take(connection, lines)
        connection.execute("UPDATE root_line SET kept = true WHERE event = ANY(%s)", (list(lines),))
        connection.execute(
            "INSERT INTO claim (what, number) SELECT 'root', 1 ON CONFLICT DO NOTHING"
        )
    return len(lines)


def _recover_contents(truth: Truth) -> int:
    """The contents that are there. Who sent them is not known any more, so they are sent once more before they are named again."""
    rows = [
        (hash, one.size)
        for one in truth.blobs.list("contents")
        if is_hash(hash := one.key.rpartition("/")[2])
    ]
    for at in range(0, len(rows), _ROWS):
        some = rows[at : at + _ROWS]
        truth.database.do(
            "INSERT INTO content (hash, size) SELECT * FROM unnest(%s::text[], %s::bigint[]) ON CONFLICT DO NOTHING",
            ([row[0] for row in some], [row[1] for row in some]),
        )
    return len(rows)


def _recover_conflicts(truth: Truth) -> None:
    rows = [(one.key.split("/", 2)[1], one.key, one.size) for one in truth.blobs.list("conflicts")]
    if rows:
        truth.database.do(
            "INSERT INTO conflict (experiment, key, size) SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[]) ON CONFLICT DO NOTHING",
            ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]),
        )


def _number(digits: str) -> int | None:
    """The number that sixteen hexadecimal digits say."""
    if len(digits) != _NUMBER or not set(digits) <= set("0123456789abcdef"):
        return None
    return int(digits, 16)
