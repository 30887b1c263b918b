"""What a backend says of itself."""

from __future__ import annotations

import msgspec

__all__ = ["About"]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a backend is and what can be done there.

    Attributes:
        format: The newest version of the record's format that it reads.
        where: The address, to be shown to people.
        user: Who asks, as the backend knows them.
        root: The folder on this machine that holds the experiments; None where there is none. Only then do views
            have paths, and only then can a zip file of experiments be written.
        writing: Whether `append` works.
        role: The highest role that `user` has in any project: "owner" where there are no accounts.
        grants: Patterns of projects, each with the role of `user` there; None where that role holds everywhere.
        admin: Whether they look after the server: its users, its tokens, and the record of who did what.
    """

    format: int
    where: str
    user: str
    root: str | None = None
    writing: bool = True
    role: str = "owner"
    grants: tuple[tuple[str, str], ...] | None = None
    admin: bool = False
