"""Forms with a file, taken in piece by piece: the file goes to its place on the disk and is never whole in memory."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ....errors import InvalidValue
from ....record.ids import new_id
from ....record.names import check_file_name, stored_path
from ....record.plain import to_plain
from ....record.secrets import mask_secrets
from .answers import NodesAnswer
from .nodes import ROOT, read_node
from .reading import KnownFile
from .service import Asker, Dash
from .writing import DashWritten

__all__ = ["FileForm"]

_MOST_FIELD = 1 << 20
_MOST_FIELDS = 64
_MOST_HEADERS = 16 << 10


class FileForm:
    """One form: fields first, then the file, as the client sends it.

    Call `feed` with the pieces of the body, then `finish`; and `close` in any case.

    Args:
        content_type: The request's own, with the boundary.

    Raises:
        InvalidValue: It is no form.
    """

    def __init__(self, dash: Dash, who: Asker, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise InvalidValue("A file is sent as multipart/form-data.", key="Content-Type")
        self._dash = dash
        self._who = who
        self._fields: dict[str, str] = {}
        self._name, self._value = "", bytearray()
        self._header: list[bytearray] = [bytearray(), bytearray()]
        self._headers: dict[str, bytes] = {}
        self._arriving: _Arriving | None = None
        self._in_file = False
        self._whole = False
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin, "on_part_data": self._data, "on_part_end": self._end,
                "on_header_field": lambda data, start, end: self._head(0, data[start:end]),
                "on_header_value": lambda data, start, end: self._head(1, data[start:end]),
                "on_header_end": self._head_end, "on_headers_finished": self._headers_end,
                "on_end": self._finished,
            },
        )  # fmt: skip

    def feed(self, piece: bytes) -> None:
        """Take a piece of the body.

        Raises:
            InvalidValue: It is no form, or says something that cannot be.
            NotFound: There is no such experiment.
            OSError: The file cannot be written.
        """
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise InvalidValue(f"The form cannot be read: {error}", key=None) from None

    def finish(self) -> NodesAnswer:
        """Put the file in its place, and record it."""
        if self._arriving is None or not self._whole:
            raise InvalidValue("The form ends before its file does.", key="file")
        return self._arriving.keep(self._fields)

    def close(self) -> None:
        """Remove what was written of a file that was not kept."""
        if self._arriving is not None:
            self._arriving.close()

    # -- what the parser says ----------------------------------------------------------------------

    def _begin(self) -> None:
        self._headers, self._value, self._in_file = {}, bytearray(), False
        self._header = [bytearray(), bytearray()]

    def _head(self, which: int, data: bytes) -> None:
        self._header[which] += data
        if len(self._header[which]) > _MOST_HEADERS:
            raise InvalidValue("A header of the form is too long.", key=None)

    def _head_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).decode("latin-1").lower()] = bytes(value)
        self._header = [bytearray(), bytearray()]

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in options or self._name == "file":
            if self._arriving is not None:
                raise InvalidValue("A form has one file.", key="file")
            kind = self._headers.get("content-type", b"").decode("latin-1")
            self._in_file = True
            self._arriving = _Arriving(self._dash, self._who, self._fields, kind)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file and self._arriving is not None:
            self._arriving.write(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > _MOST_FIELD:
            raise InvalidValue(f"The field {self._name!r} is too long.", key=self._name)

    def _end(self) -> None:
        if not self._in_file:
            if len(self._fields) >= _MOST_FIELDS:
                raise InvalidValue("The form has too many fields.", key=None)
            self._fields[self._name] = bytes(self._value).decode("utf-8", "replace")

    def _finished(self) -> None:
        self._whole = True


class _Arriving:
    """A file on its way into an experiment."""

    def __init__(self, dash: Dash, who: Asker, fields: dict[str, str], kind: str) -> None:
        parent = fields.get("parentId") or ROOT
        node = None if parent == ROOT else read_node(parent)
        if node is not None and node.kind not in ("exp", "sub"):
            node = None
        experiment = fields.get("experimentId") or (node.experiment if node else "")
        if node is not None and node.experiment != experiment:
            raise InvalidValue("The folder lies in another experiment.", key="parentId")
        self.experiment: DashWritten = dash.written(who, experiment, adds=True)
        self.prefix = node.path if node else ""
        self.name = check_file_name(fields.get("name", ""))
        if self.prefix:
            check_file_name(self.prefix)
        self._who, self._kind = who, kind
        self._save = new_id()
        parts = (
            "files",
            self.prefix and stored_path(self.prefix),
            self._save,
            stored_path(self.name),
        )
        self.path = "/".join(part for part in parts if part)
        self._draft = self.experiment.home.draft(self.path)
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._sha256.update(data)
        self._draft.write(data)

    def keep(self, fields: dict[str, str]) -> NodesAnswer:
        """Put it in its place and record it, unless the same was sent before: the answer to that may have been lost."""
        sha256 = self._sha256.hexdigest()
        checksum = fields.get("checksum")
        if checksum and checksum.lower() != sha256:
            raise InvalidValue(
                "The file is not what its checksum says: it was damaged on the way.", key="checksum"
            )
        size, digest = self._draft.lay()
        metadata = _said(fields)
        metadata |= {"sha256": sha256} | ({"content_type": self._kind} if self._kind else {})
        for one in self._who.reader.files(self.experiment.id):
            if (one.fact.prefix, one.fact.name, one.fact.hash) == (
                self.prefix,
                self.name,
                digest,
            ) and one.metadata == metadata:
                return _answer(one)
        with self.experiment.alone():
            self._draft.put()
            self.experiment.event(
                "file", file_id=self._save, prefix=self.prefix, name=self.name, path=self.path,
                size=size, hash=digest, metadata=metadata,
            )  # fmt: skip
        return _answer(
            next(
                one
                for one in self._who.reader.files(self.experiment.id)
                if one.fact.id == self._save
            )
        )

    def close(self) -> None:
        self._draft.close()


def _said(fields: dict[str, str]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if fields.get("metadata"):
        try:
            given = json.loads(fields["metadata"])
        except (ValueError, RecursionError):
            raise InvalidValue("The metadata is no JSON.", key="metadata") from None
        if not isinstance(given, dict):
            raise InvalidValue("The metadata is no mapping.", key="metadata")
        said = mask_secrets(to_plain(given))
    if fields.get("description"):
        said["description"] = fields["description"]
    if fields.get("tags"):
        said["tags"] = [tag for tag in fields["tags"].split(",") if tag]
    return said


def _answer(file: KnownFile) -> NodesAnswer:
    node = file.answer()
    return NodesAnswer(node=node, physical_file=node.physical_file)
