"""Names and texts as MLflow takes them.

MLflow takes letters, digits, `_`, `-`, `.`, space, `:` and `/` in the names of metrics, parameters and tags, up to 250
characters, and none that would be another path when read as one. Any other character becomes `_uHEX_` with its code
point: "a%b" becomes "a_u25_b". A `_` that would look like the beginning of such a mark is written as one itself, so no two
names become the same. A longer name is cut and ends in a digest of the whole.
"""

from __future__ import annotations

import hashlib
import re

__all__ = ["MAX_NAME", "MAX_PARAM", "MAX_TAG", "artifact_path", "image_key", "key", "original"]

MAX_NAME = 250
MAX_PARAM = 6000
MAX_TAG = 8000

_KEY = r"\w\-. :/"
_FILE = r"\w\-. &+,=@()"
_IMAGE = r"a-zA-Z0-9_\-. /"
_MARK = re.compile(r"_u([0-9a-f]{0,6})_")


def key(name: str) -> str:
    """The name of a metric, parameter or tag."""
    return _cut(_escaped(name, _KEY))


def image_key(name: str) -> str:
    """The name of a series of images, as it stands in a file name."""
    return _cut(_escaped(name, _IMAGE), 120).replace("/", "~")


def artifact_path(*parts: str) -> str:
    """A path in a run's artifacts, of names that may hold slashes."""
    segments = [segment for part in parts for segment in part.split("/") if segment]
    return "/".join(_cut(_escaped(segment, _FILE), 200) for segment in segments)


def original(name: str) -> str:
    """The name that `key` or `artifact_path` made this one of; of one that was cut, what is left of it."""
    return _MARK.sub(_unmarked, name)


def _unmarked(mark: re.Match[str]) -> str:
    code = int(mark[1] or "0", 16)
    return "" if not mark[1] else chr(code) if code < 0x110000 else mark[0]


def _escaped(name: str, allowed: str) -> str:
    marked = {m.start() for m in re.finditer(rf"_(?=u[0-9a-f]*(?:[_/.]|[^{allowed}]))", name)}
    marked |= {m.start() for m in re.finditer(rf"[^{allowed}]", name)}
    # A path is another when read as one if a part of it is empty, "." or "..".
    marked |= {m.start() for m in re.finditer(r"/(?=/|$)|^/", name)}
    marked |= {m.start() for m in re.finditer(r"(?<![^/])\.(?=\.?(?:/|$))|^\.(?=\.)", name)}
    if not name:
        return "_u_"
    return "".join(f"_u{ord(c):x}_" if i in marked else c for i, c in enumerate(name))


def _cut(name: str, limit: int = MAX_NAME) -> str:
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: limit - 18]}_h{digest}"
