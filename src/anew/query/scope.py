"""What of a store somebody may see: projects, named by patterns.

The project of an experiment is the first two segments of its prefix above its name: `lab/vision` for `lab/vision/runs/a`, `lab` for
`lab/a`. What lies in no project belongs to the user who recorded it, and its project is written `~user`.

A pattern is a project, in which `*` stands for any characters within a segment. `*` alone is every project, and `lab/*` is all
that lies below `lab`, the project `lab` itself included.
"""

from __future__ import annotations

import re

import msgspec

from ..errors import InvalidName

__all__ = ["EVERYTHING", "Scope", "check_pattern", "matches", "project_above", "project_of"]

EVERYTHING = "*"
"""The pattern of every project."""
_MOST = 500


class Scope(msgspec.Struct, frozen=True):
    """The projects that somebody may see: those that one of the patterns names, and `within` as well."""

    patterns: tuple[str, ...]
    within: str = EVERYTHING

    @property
    def everything(self) -> bool:
        """Whether nothing is hidden."""
        return EVERYTHING in self.patterns and self.within == EVERYTHING

    def has(self, project: str) -> bool:
        """Whether a project may be seen."""
        return matches(self.within, project) and any(matches(one, project) for one in self.patterns)


def project_of(prefix: str, user: str | None = None) -> str:
    """The project of the experiment at a prefix that a user recorded."""
    segments = prefix.strip("/").split("/")
    if len(segments) > 2:
        return f"{segments[0]}/{segments[1]}"
    return segments[0] if len(segments) == 2 else f"~{user or ''}"


def project_above(prefix: str) -> str:
    """The project of everything below a prefix: `lab/vision` of `lab/vision/runs`, and `lab` of `lab`."""
    return "/".join(prefix.strip("/").split("/")[:2])


def check_pattern(pattern: str) -> str:
    """The pattern as it is kept, if it is one.

    Raises:
        InvalidName: It is empty, too long, or has segments that are empty or more than two.
    """
    text = pattern.strip().strip("/")
    segments = text.split("/")
    plain = text.isprintable() and len(text) <= _MOST
    if not plain or not all(segments) or len(segments) > 2 or "~" in text[1:]:
        raise InvalidName(
            f"{pattern!r} does not name projects: write lab/vision for one, 'lab/*' for all below lab, or '*' for every project.",
            name=pattern,
        )
    return text


def matches(pattern: str, project: str) -> bool:
    """Whether a pattern names a project."""
    if pattern == EVERYTHING:
        return True
    if project.startswith("~") and not pattern.startswith("~"):
        return False  # what is somebody's own is in no project
    if pattern.endswith("/*") and _same(pattern[:-2], project):
        return True
    wanted, given = pattern.split("/"), project.split("/")
    return len(wanted) == len(given) and all(map(_same, wanted, given))


def _same(pattern: str, text: str) -> bool:
    parts = [re.escape(part) for part in pattern.split("*")]
    return re.fullmatch("[^/]*".join(parts), text, re.DOTALL) is not None
