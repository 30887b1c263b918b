"""Who writes to files that belong to no writer: the root's own journal, and edits of experiments.

Such a file may have one author only: two machines, users, containers or copies of a root that shared one would
overwrite each other's lines when their folders are synced, and could not append to each other's files on one machine.
"""

from __future__ import annotations

import os

from .liveness import boot_id, host_name, machine_id, pid_space

__all__ = ["Identity", "identity", "login_name"]

_PRIME = 2**61 - 1


class Identity:
    """What identifies one author of a root's files.

    Attributes:
        host: The machine's name, which others may have too.
        machine, boot, space: The machine's own id, its current boot, and the process-id namespace (a container's).
        user: The number of the user's account.
    """

    __slots__ = ("boot", "host", "machine", "space", "user")

    def __init__(
        self, host: str, machine: str = "", boot: str = "", space: str = "", user: str = ""
    ) -> None:
        self.host = host
        self.machine = machine
        self.boot = boot
        self.space = space
        self.user = user

    def name(self, place: str = "") -> str:
        """The stem of this author's files, `<host>-<hash>`; `place` tells one copy of a root from another."""
        text = "\0".join((self.host, self.machine, self.boot, self.space, self.user, place))
        # A remainder by a large prime is hash enough for names, and `hashlib` takes longer to import than an
        # experiment takes to open.
        digest = int.from_bytes(text.encode("utf-8", "replace"), "big") % _PRIME
        shown = "".join(c if c.isalnum() or c in "-_" else "-" for c in self.host)[:60]
        return f"{shown.strip('-') or 'host'}-{digest:016x}"


_here: Identity | None = None


def identity() -> Identity:
    """Who this process is."""
    global _here
    if _here is None:
        getuid = getattr(os, "getuid", None)  # Windows has none
        user = str(getuid()) if getuid else login_name()
        _here = Identity(host_name(), machine_id(), boot_id(), pid_space(), user)
    return _here


def login_name() -> str:
    """The login name, if it can be determined."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        if os.environ.get(variable):
            return os.environ[variable]
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, AttributeError):
        return ""
