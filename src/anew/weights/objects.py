"""The objects of a repository: which there are, in which pack, and their bytes.

Packs are immutable, so what an index says stays true until its pack is deleted. Reading every
pack's own index would make opening slow after thousands of commits, so writers now and then put
the indexes of many packs into one catalog under `index/`, with the commits' own bytes in it. A
catalog is derived: delete it and it is made again.
"""

from __future__ import annotations

import bisect
import contextlib
import secrets
import threading
import time
from collections.abc import Iterator

import msgspec
import numpy as np

from anew.blobs.protocol import Blobs
from anew.errors import AnewError, CorruptData, MissingDependency, NotFound
from anew.weights.codec import Bytes, decode
from anew.weights.pack import COMMIT, RECORD, Record, check_of, parse_index, scan
from anew.weights.records import digest

try:
    import zstandard
except ModuleNotFoundError as error:
    raise MissingDependency.of("A repository of weights", "zstandard", "weights") from error

__all__ = ["Objects", "frame", "unframe"]

_TAIL = 64 * 1024
_CATALOG_MAGIC = b"RNWCATL1"
# Packs outside any catalog before one is written, and catalogs before they become one.
_LOOSE_PACKS = 64
_CATALOGS = 16
# No list of tensors is larger; a damaged one may claim to be.
_LARGEST_TREE = 1 << 30


class _CatalogHead(msgspec.Struct, array_like=True):
    packs: list[str]
    commits: list[tuple[bytes, bytes]]
    count: int


class _Catalog:
    """The records of many packs, sorted by key, searched without making an object of each."""

    def __init__(self, head: _CatalogHead, body: bytes) -> None:
        self.packs = head.packs
        self.commits = head.commits
        self.body = body
        table = np.frombuffer(body, np.uint8).reshape(head.count, RECORD.size)
        self._starts = np.ascontiguousarray(table[:, :8]).view(">u8").reshape(-1).astype(np.uint64)

    def find(self, key: bytes) -> Iterator[tuple[str, Record]]:
        """Every pack that has the object, and where in it."""
        start = np.uint64(int.from_bytes(key[:8], "big"))
        index = int(np.searchsorted(self._starts, start))
        while index < len(self._starts) and self._starts[index] == start:
            record = Record(*RECORD.unpack_from(self.body, index * RECORD.size))
            if record.key == key:
                yield self.packs[record.pack], record
            index += 1

    def records(self) -> Iterator[tuple[str, Record]]:
        """Every object of every pack it covers."""
        for fields in RECORD.iter_unpack(self.body):
            yield self.packs[fields[-1]], Record(*fields)


class Objects:
    """What a repository holds. Safe to use from several threads; `refresh` sees what others added."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._lock = threading.RLock()
        self._packs: set[str] = set()
        self._loose: dict[str, list[Record]] = {}
        self._found: dict[bytes, list[tuple[str, Record]]] = {}
        self._catalogs: dict[str, _Catalog] = {}
        self._commit_bytes: dict[bytes, bytes] = {}
        self._small: dict[bytes, bytes] = {}
        # Packs whose index is damaged, with what was wrong; their objects come from a scan.
        self.damaged: dict[str, str] = {}
        # Blocks of the version stored last, as they were before they were encoded.
        self.warm: dict[bytes, Bytes] = {}
        # Copies of objects whose bytes turned out damaged while there is another copy.
        self.bad: set[tuple[str, bytes]] = set()

    # --- what there is ---------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring the index up to date with the packs that are there."""
        with self._lock:
            listed = [path for path in self._blobs.keys("packs") if path.endswith(".pack")]
            packs = {path[len("packs/") : -len(".pack")] for path in listed}
            catalogs = {path for path in self._blobs.keys("index") if path.endswith(".idx")}
            for path in set(self._catalogs) - catalogs:
                del self._catalogs[path]
            for path in catalogs - set(self._catalogs):
                self._load_catalog(path)
            covered = {pack for catalog in self._catalogs.values() for pack in catalog.packs}
            vanished = set(self._loose) - (packs - covered)
            for pack in packs - covered - set(self._loose):
                try:
                    self._loose[pack] = self._load_pack(pack)
                except FileNotFoundError:
                    packs.discard(pack)
                    continue
                if not vanished:
                    for record in self._loose[pack]:
                        self._found.setdefault(record.key, []).append((pack, record))
            if vanished:
                for pack in vanished:
                    del self._loose[pack]
                self._found = {}
                for pack, records in self._loose.items():
                    for record in records:
                        self._found.setdefault(record.key, []).append((pack, record))
            self._packs = packs

    def find(
        self, key: bytes, *, avoid: set[str] | frozenset[str] = frozenset()
    ) -> tuple[str, Record] | None:
        """The pack and record of an object, the one with the shortest chain; None if absent."""
        with self._lock:
            candidates = list(self._found.get(key, ()))
            for catalog in self._catalogs.values():
                candidates += catalog.find(key)
            best = None
            for pack, record in candidates:
                if pack not in self._packs or pack in avoid or (pack, key) in self.bad:
                    continue
                if best is None or record.depth < best[1].depth:
                    best = (pack, record)
            return best

    def holders(self, key: bytes) -> set[str]:
        """The packs that have an object."""
        with self._lock:
            found = {pack for pack, _ in self._found.get(key, ())}
            for catalog in self._catalogs.values():
                found |= {pack for pack, _ in catalog.find(key)}
            return found & self._packs

    def packs(self) -> set[str]:
        """The names of all packs."""
        with self._lock:
            return set(self._packs)

    def records(self) -> Iterator[tuple[str, Record]]:
        """Every object in every pack; one that is in two packs comes twice."""
        with self._lock:
            packs = set(self._packs)
            loose = list(self._loose.items())
            catalogs = list(self._catalogs.values())
        seen: set[str] = set()
        for catalog in catalogs:
            mine = set(catalog.packs) - seen
            seen |= mine
            for pack, record in catalog.records():
                if pack in packs and pack in mine:
                    yield pack, record
        for pack, records in loose:
            if pack in packs and pack not in seen:
                yield from ((pack, record) for record in records)

    def keys_starting(self, prefix: str) -> list[bytes]:
        """The commits whose hash starts with these hexadecimal digits."""
        with self._lock:
            known = {r.key for found in self._found.values() for _, r in found if r.kind == COMMIT}
            known |= set(self._commit_bytes)
        ordered = sorted(key.hex() for key in known)
        start = bisect.bisect_left(ordered, prefix)
        matches = []
        while start < len(ordered) and ordered[start].startswith(prefix):
            matches.append(bytes.fromhex(ordered[start]))
            start += 1
        return [key for key in matches if self.find(key)]

    # --- bytes -----------------------------------------------------------------------------

    def read_small(self, key: bytes, what: str) -> bytes:
        """The bytes of a commit or a tree, verified.

        Raises:
            NotFound: there is no such object.
            CorruptData: its bytes are not what its key says.
        """
        cached = self._commit_bytes.get(key) or self._small.get(key)
        if cached is not None:
            return cached
        while True:
            pack, _, payload = self.payload(key, what)
            try:
                data = unframe(payload)
            except (zstandard.ZstdError, CorruptData):
                data = b""
            if digest(data) == key:
                break
            self._set_aside(pack, key, what)
        with self._lock:
            if len(self._small) > 256:
                self._small.clear()
            self._small[key] = data
        return data

    def read_block(self, key: bytes, out: Bytes, what: str) -> None:
        """Write the bytes of a block into `out`, through its chain of deltas, verified.

        Raises:
            NotFound: it, or a block it is a delta of, is absent.
            CorruptData: the bytes are not what the key says; names the object that is damaged.
        """
        while True:
            chain = self._chain(key, what)
            try:
                for _, _, payload in reversed(chain):
                    decode(payload, out)
                if digest(out) == key:
                    return
            except CorruptData:
                pass
            pack, record, _ = next(
                (link for link in reversed(chain) if check_of(link[2]) != link[1].check), chain[0]
            )
            self._set_aside(pack, record.key, what)

    def payload(self, key: bytes, what: str) -> tuple[str, Record, bytes]:
        """The stored bytes of an object, as they are in its pack."""
        for attempt in (1, 2):
            found = self.find(key)
            if found is not None:
                pack, record = found
                try:
                    data = self._blobs.read(f"packs/{pack}.pack", record.offset, record.stored)
                    return pack, record, data
                except FileNotFoundError:
                    # A garbage collection moved what is alive to another pack meanwhile.
                    pass
            if attempt == 1:
                self.refresh()
        raise NotFound(
            f"{what} needs the object {key.hex()[:12]}, which is missing in {self._blobs.url}. "
            "`anew weights fsck` lists everything that is missing; pull it from another copy.",
            name=key.hex(),
        )

    def _set_aside(self, pack: str, key: bytes, what: str) -> None:
        """Do not use this copy of an object again; raises when it was the only one."""
        with self._lock:
            self.bad.add((pack, key))
        if self.find(key) is None:
            with self._lock:
                self.bad.discard((pack, key))
            raise _damaged(what, key, pack)

    def _chain(self, key: bytes, what: str) -> list[tuple[str, Record, bytes]]:
        chain = [self.payload(key, what)]
        while chain[-1][1].is_delta:
            if len(chain) > 255:
                raise CorruptData(f"{what} is a delta of itself.")
            chain.append(self.payload(chain[-1][1].base, what))
        return chain

    # --- catalogs --------------------------------------------------------------------------

    def tidy(self, *, force: bool = False) -> None:
        """Put the indexes of many packs into one catalog, when there are enough of them."""
        with self._lock:
            loose = [
                pack for pack in self._loose if pack in self._packs and pack not in self.damaged
            ]
            many = len(self._catalogs) >= _CATALOGS
            if not (force or len(loose) >= _LOOSE_PACKS or many):
                return
            replaced = list(self._catalogs) if force or many else []
            records = [(pack, record) for pack in loose for record in self._loose[pack]]
            covered = set(loose)
            for path in replaced:
                # Two catalogs have the same packs when a process was killed between writing one and deleting the other.
                catalog = self._catalogs[path]
                mine = (set(catalog.packs) & self._packs) - covered
                covered |= mine
                records += [(p, r) for p, r in catalog.records() if p in mine]
            if not records:
                return
            self._write_catalog(records)
            for path in replaced:
                self._blobs.delete(path)
            self.refresh()

    def _write_catalog(self, records: list[tuple[str, Record]]) -> None:
        packs = sorted({pack for pack, _ in records})
        numbers = {pack: number for number, pack in enumerate(packs)}
        ordered = sorted(records, key=lambda item: item[1].key)
        commits = []
        for key in sorted({r.key for _, r in ordered if r.kind == COMMIT}):
            # A commit that cannot be read is fsck's to report; the catalog just lacks its copy.
            with contextlib.suppress(AnewError):
                commits.append((key, self.read_small(key, "A commit")))
        head = msgspec.msgpack.encode(_CatalogHead(packs, commits, len(ordered)))
        body = b"".join(RECORD.pack(*r[:-1], numbers[pack]) for pack, r in ordered)
        data = len(head).to_bytes(8, "little") + head + body
        name = f"index/{time.time_ns():x}-{secrets.token_hex(4)}.idx"
        self._blobs.create(name, _CATALOG_MAGIC + digest(data) + data)

    def _load_catalog(self, path: str) -> None:
        try:
            data = self._blobs.read(path)
        except FileNotFoundError:
            return
        start = len(_CATALOG_MAGIC) + 32
        body = data[start:]
        if not data.startswith(_CATALOG_MAGIC) or digest(body) != data[len(_CATALOG_MAGIC) : start]:
            # Derived data: the packs' own indexes say the same.
            self.damaged[path] = "the catalog is damaged; it can be deleted, and is then rebuilt"
            return
        length = int.from_bytes(body[:8], "little")
        head = msgspec.msgpack.decode(body[8 : 8 + length], type=_CatalogHead)
        catalog = _Catalog(head, body[8 + length :])
        self._catalogs[path] = catalog
        self._commit_bytes.update(catalog.commits)

    def _load_pack(self, pack: str) -> list[Record]:
        path = f"packs/{pack}.pack"
        tail, size = self._blobs.tail(path, _TAIL)
        try:
            parsed = parse_index(pack, tail, size)
            if isinstance(parsed, int):
                tail, size = self._blobs.tail(path, parsed)
                parsed = parse_index(pack, tail, size)
            assert isinstance(parsed, list)
            return parsed
        except CorruptData as error:
            self.damaged[pack] = str(error)
            return list(scan(self._blobs.read(path)))


def frame(data: bytes) -> bytes:
    """A commit or tree as it is stored: zstd where that is smaller."""
    packed = zstandard.ZstdCompressor(level=3).compress(data)
    return b"\1" + packed if len(packed) < len(data) else b"\0" + data


def unframe(payload: bytes) -> bytes:
    """The bytes that `frame` was given."""
    if payload[:1] == b"\0":
        return payload[1:]
    if payload[:1] == b"\1":
        if not 0 <= zstandard.frame_content_size(payload[1:]) <= _LARGEST_TREE:
            raise CorruptData("A stored object claims an impossible size.")
        return zstandard.ZstdDecompressor().decompress(payload[1:])
    raise CorruptData("A stored object has an unknown frame.")


def _damaged(what: str, key: bytes, pack: str) -> CorruptData:
    return CorruptData(
        f"{what} cannot be restored: the object {key.hex()[:12]} in packs/{pack}.pack is damaged. "
        "Other tensors can still be read; `anew weights fsck` lists all that is damaged, and a "
        "pull from another copy of the repository brings it back.",
        path=f"packs/{pack}.pack",
    )
