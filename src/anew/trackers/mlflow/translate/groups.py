"""MLflow's experiments as documents of a root's journal: what the body of one says, and what several add up to.

An experiment is the document of kind "group" with its name. It is also the folder that its runs lie in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from .facts import DEFAULT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ....record.documents import Document

__all__ = ["KIND", "Group", "body_of", "group_in", "id_of"]

KIND = "group"
_TRACKER = "mlflow"


def id_of(name: str) -> str:
    """The id of an experiment: the same for a name wherever it is made, so that programs that start at once agree."""
    if name == DEFAULT:
        return "0"
    digest = int.from_bytes(hashlib.sha256(name.encode("utf-8", "replace")).digest()[:8], "big")
    return str(10**17 + digest % (9 * 10**17))


class Group(NamedTuple):
    """An experiment of MLflow's.

    Attributes:
        name: The name that it was made with: its id and the folder of its runs follow from it.
        tags: Its tags.
        deleted: Whether it is hidden.
        artifact_location: Where its program asked for artifacts to lie, if it did.
        created, changed: When it was made and last changed, in seconds since the epoch.
        title: The name that it was given later; None if it was not.
    """

    name: str
    tags: dict[str, str]
    deleted: bool
    artifact_location: str | None
    created: float
    changed: float
    title: str | None = None

    @property
    def shown(self) -> str:
        """Its name by now."""
        return self.name if self.title is None else self.title

    @property
    def id(self) -> str:
        """Its id."""
        return id_of(self.name)


def body_of(group: Group) -> dict[str, Any]:
    """The body of the document that keeps an experiment; when it was changed, the event that writes it says."""
    body: dict[str, Any] = {"tracker": _TRACKER, "created": group.created, "tags": dict(group.tags)}
    if group.deleted:
        body["deleted"] = True
    if group.title is not None:
        body["title"] = group.title
    if group.artifact_location is not None:
        body["artifact_location"] = group.artifact_location
    return body


def group_in(document: Document) -> Group | None:
    """The experiment that a document keeps; None if it is another kind of group, or was removed.

    Where several processes wrote at once, none having seen the others, tags are those of all of them, and the rest is as
    the newest says.
    """
    written = [document, *document.others]
    several = sorted(
        (one for one in written if one.body is not None and one.body.get("tracker") == _TRACKER),
        key=lambda one: (one.time, one.event),
    )
    if document.kind != KIND or not several:
        return None
    newest = several[-1]
    body: Mapping[str, Any] = newest.body or {}
    tags: dict[str, str] = {}
    for one in several:
        given = (one.body or {}).get("tags")
        if isinstance(given, Mapping):
            tags |= {str(key): str(value) for key, value in given.items()}
    location = body.get("artifact_location")
    title = body.get("title")
    made = [(one.body or {}).get("created") for one in several]
    return Group(
        document.name,
        tags,
        body.get("deleted") is True,
        location if isinstance(location, str) else None,
        min([float(t) for t in made if isinstance(t, (int, float))], default=newest.time),
        newest.time,
        title if isinstance(title, str) else None,
    )
