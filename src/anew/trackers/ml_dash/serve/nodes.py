"""The ids of nodes: ml-dash files experiments in a tree of projects, folders, experiments and files, each with an id.

An id says what it means, so nothing has to be remembered: `prj-…` and `dir-…` hold a path, `exp-…` an experiment's id, `sub-…`
an experiment and a folder in it, `file-…` an experiment and a file.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Literal, NamedTuple

from ....errors import NotFound

__all__ = ["ROOT", "Node", "read_node"]

ROOT = "ROOT"
"""The parent of what lies in no folder."""

Kind = Literal["prj", "dir", "exp", "sub", "file"]
_PATHS: tuple[Kind, ...] = ("prj", "dir")


class Node(NamedTuple):
    """What an id means.

    Attributes:
        experiment: The id of the experiment that it is, or lies in.
        path: Of a project or a folder: its path. Of a folder in an experiment: its path there. Of a file: its id there.
    """

    kind: Kind
    experiment: str = ""
    path: str = ""

    @property
    def id(self) -> str:
        """Its id."""
        path = self.path if self.kind == "file" else _packed(self.path)
        return "-".join(
            [self.kind, *([self.experiment] if self.experiment else []), *([path] if path else [])]
        )


def read_node(text: str) -> Node:
    """What an id means.

    Raises:
        NotFound: It is none of ours.
    """
    kind, _, rest = text.partition("-")
    for word in _PATHS:
        if kind == word:
            return Node(word, path=_unpacked(rest, text))
    if kind == "exp" and rest:
        return Node("exp", rest)
    experiment, _, inside = rest.partition("-")
    if kind == "sub" and experiment:
        return Node("sub", experiment, _unpacked(inside, text))
    if kind == "file" and experiment and inside:
        return Node("file", experiment, inside)
    raise NotFound(f"There is no node {text!r}.", name=text)


def _packed(path: str) -> str:
    return urlsafe_b64encode(path.encode()).decode().rstrip("=").replace("-", ".")


def _unpacked(text: str, whole: str) -> str:
    try:
        packed = text.replace(".", "-").encode()
        return urlsafe_b64decode(packed + b"=" * (-len(packed) % 4)).decode()
    except ValueError:
        raise NotFound(f"There is no node {whole!r}.", name=whole) from None
