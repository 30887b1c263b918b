"""Recognising secrets, so that none is written into a record.

Two signs count: a key that names a secret and holds a text, and a text that has the form of a known
credential or of a URL with a password. What is recognised is replaced by `MASK`; the shape of the
record stays.
"""

from __future__ import annotations

import re
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["MASK", "is_secret_name", "mask_arguments", "mask_secrets", "mask_text"]

MASK = "***"

# Compiling these takes longer than a process takes to its first point, and most records need none of them:
# they are compiled by their first use, and only texts with one of the words below come so far.
_pattern = cache(re.compile)
_NAME_WORDS = ("key", "secret", "pass", "pwd", "cred", "auth", "bearer", "token")
# fmt: off
_TEXT_WORDS = (
    "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_", "sk-", "xox",
    "AIza", "eyJ", "npm_", "pypi-",
)
# fmt: on

_SECRET_NAME = (
    r"(?i)(^|[^a-z])(api[_-]?key|apikey|access[_-]?key([_-]?id)?|secret([_-]?(access[_-]?)?key)?|client[_-]?secret|"
    r"passw(or)?d|passphrase|pwd|credentials?|private[_-]?key|auth|bearer|"
    r"(access|auth|api|id|refresh|session|bearer|security|hf|wandb|github|gitlab|slack)[_-]?token|token)($|[^a-z])"
)
_CAMEL = r"(?<=[a-z0-9])(?=[A-Z])"
# Names in which "token" or "auth" means text or a writer, not access.
_INNOCENT = (
    r"(?i)(pad|eos|bos|unk|sep|cls|mask|stop|start|end|special|image|max|min|num|n|per|new|prompt|bad)[_-]?token|"
    r"token[_-]?(s|ize|izer|type|count|len|id|dropout|embed|merg|mix)"
)
_SECRET_TEXT = (
    r"\b("
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}"  # AWS key ids
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}"
    r"|sk-[A-Za-z0-9_-]{20,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}"  # Slack
    r"|AIza[0-9A-Za-z_-]{35}"  # Google
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"  # JSON web tokens
    r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{30,}"
    r")"
)
_PEM = r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
_URL_PASSWORD = r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/@:]*):(?P<password>[^\s/@]+)@"
_URL_TOKEN_USER = r"(?P<head>\bhttps?://)(?P<user>[^\s/@:]{16,})@"
_QUERY = r"(?i)(?P<head>[?&;](?:[a-z_-]*(?:token|secret|password|signature|api_?key|access_?key)[a-z_-]*)=)[^&\s;]+"
_ASSIGNED = r"(?s)^(?P<head>-{0,2}(?P<name>[A-Za-z][\w.-]*)=)(?P<value>.+)$"


def is_secret_name(name: str) -> bool:
    """Whether a key of this name would hold a secret (`api_key`, `WANDB_API_KEY`, `db.password` …)."""
    folded = name.casefold()
    if not any(word in folded for word in _NAME_WORDS):
        return False
    spaced = _pattern(_CAMEL).sub("_", name)
    return bool(_pattern(_SECRET_NAME).search(spaced)) and not _pattern(_INNOCENT).search(spaced)


def mask_text(text: str) -> str:
    """`text` with credentials of known forms and passwords in URLs replaced."""
    if "://" in text:
        text = _pattern(_URL_PASSWORD).sub(rf"\g<head>:{MASK}@", text)
        text = _pattern(_URL_TOKEN_USER).sub(rf"\g<head>{MASK}@", text)
        text = _pattern(_QUERY).sub(rf"\g<head>{MASK}", text)
    if "PRIVATE KEY" in text:
        text = _pattern(_PEM).sub(MASK, text)
    if any(word in text for word in _TEXT_WORDS):
        text = _pattern(_SECRET_TEXT).sub(MASK, text)
    return text


def mask_secrets(value: Any, name: str = "") -> Any:
    """A plain value (see `record.plain`) with every secret in it replaced by `MASK`."""
    if isinstance(value, str):
        if value and name and is_secret_name(name):
            return MASK
        return mask_text(value)
    if isinstance(value, dict):
        return {k: mask_secrets(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [mask_secrets(v, name) for v in value]
    return value


def mask_arguments(arguments: list[str]) -> list[str]:
    """A command line with the values of secret options replaced, in both forms of giving them."""
    masked: list[str] = []
    hide_next = False
    for argument in arguments:
        given = _pattern(_ASSIGNED).match(argument) if "=" in argument else None
        if hide_next and not argument.startswith("-"):
            masked.append(MASK)
        elif given and is_secret_name(given["name"]):
            masked.append(given["head"] + MASK)
        else:
            masked.append(mask_text(argument))
        hide_next = (
            argument.startswith("-")
            and "=" not in argument
            and is_secret_name(argument.lstrip("-"))
        )
    return masked
