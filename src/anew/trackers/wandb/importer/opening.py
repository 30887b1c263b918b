"""Whether something is a folder of W&B's or a project of its service, and opening it."""

from __future__ import annotations

import base64
import netrc
import os
from urllib.parse import unquote, urlsplit

from ....errors import InvalidValue, NotAllowed
from ....importing.foreign import resolved
from ....importing.source import Source
from ....importing.web import Web
from .service import Service
from .source import Folders, logs_below

__all__ = ["open_source", "recognises"]

_SERVICE = "https://api.wandb.ai"
_PAGES = frozenset({"wandb.ai", "www.wandb.ai", "app.wandb.ai", "api.wandb.ai"})
_SCHEME = "wandb"


def recognises(where: str) -> bool:
    """Whether it is a folder of a run, W&B's folder, a folder that it lies in, or an address of its service."""
    if "://" not in where:
        return bool(logs_below(where))
    parts = urlsplit(where)
    return parts.scheme == _SCHEME or parts.hostname in {*_PAGES, urlsplit(_base()).hostname}


def open_source(where: str) -> Source:
    """Open folders of W&B's, or a project or run of its service.

    Raises:
        InvalidValue: There are no runs, or the address names no project.
        NotAllowed: There is no key for the service.
    """
    if "://" not in where:
        return Folders(where, _caches())
    parts = urlsplit(where)
    names = [unquote(part) for part in parts.path.split("/") if part]
    base = _base()
    if parts.scheme == _SCHEME:
        names.insert(0, unquote(parts.netloc.rpartition("@")[2]))
    elif parts.hostname not in _PAGES:
        base = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    if len(names) > 2 and names[2] == "runs":
        del names[2]
    elif len(names) > 2 and parts.scheme != _SCHEME:
        del names[2:]  # a page of the project, such as its workspace
    if len(names) not in (2, 3):
        raise InvalidValue(
            "An address of W&B's is https://wandb.ai/entity/project, with /runs/id for one run, or wandb://entity/project.",
            key="source",
        )
    key = os.environ.get("WANDB_API_KEY") or _key_of(base)
    if not key:
        raise NotAllowed(
            f"There is no key for {base}: set WANDB_API_KEY, or sign in with `wandb login`, which keeps one in ~/.netrc."
        )
    basic = base64.b64encode(f"api:{key}".encode()).decode()
    web = Web(base, {"Authorization": f"Basic {basic}"})
    return Service(web, *names)


def _base() -> str:
    return (os.environ.get("WANDB_BASE_URL") or _SERVICE).rstrip("/")


def _key_of(base: str) -> str | None:
    """The key that `wandb login` keeps for a server."""
    path = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
    try:
        found = netrc.netrc(path).authenticators(urlsplit(base).netloc)
    except (OSError, netrc.NetrcParseError):
        return None
    return found[2] if found else None


def _caches() -> list[str]:
    """Where W&B keeps contents of artifacts on this machine, by its own settings."""
    home = os.path.expanduser("~")
    given = [os.environ.get("WANDB_CACHE_DIR"), os.environ.get("XDG_CACHE_HOME")]
    places = [
        given[0],
        given[1] and os.path.join(given[1], "wandb"),
        os.path.join(home, ".cache", "wandb"),
    ]
    return [resolved(place) for place in places if place]
