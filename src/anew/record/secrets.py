r"""The one masker: what looks like a secret is replaced by `MASK` on every way to the disk.

Two signs count: a text that has the form of a known credential (the table in `secret_forms`) or is the password of a URL,
and a value that stands behind a name of a secret (`secret_names`), in plain data, on a command line, or anywhere in a
text: `password=…`, `"api_key": "…"`, `os.environ["TOKEN"] = "…"`, `--secret …`, `<password>…`. The rest of the text stays
as it is, line by line, so that a masked patch still applies; and masking again changes nothing.
"""

from __future__ import annotations

import re
from functools import cache

from .secret_forms import FORMS, SHORTEST, SPREAD_FORMS
from .secret_names import has_hint, is_certain_name, is_secret_name, words_of
from .secret_values import CODE, FILE, LITERAL, MASK, PROSE, Reading, is_value, names_text, values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from .secret_forms import Form

__all__ = [
    "MASK",
    "LineMask",
    "is_secret_name",
    "mask_arguments",
    "mask_event",
    "mask_secrets",
    "mask_source",
    "mask_text",
]

# Compiling a pattern takes longer than a process takes to its first point, and most records need none of them: each is
# compiled by its first use, and only texts with one of its marks come so far.
_pattern = cache(re.compile)

# A password may hold an "@": the last one before the path parts it from the host.
_URL_PASSWORD = r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/@:\"']*):(?P<password>[^\s/\"']+)@"
_URL_TOKEN_USER = r"(?P<head>\bhttps?://)(?P<user>[^\s/@:]{16,})@"
_QUERY = r"(?P<head>[?&;#](?P<name>[\w.-]+)=)[^&\s;\"']+"
_LITERAL = r"(?P<quote>[\"'`])(?:(?!(?P=quote))(?:\\.|[^\\\n]))+(?P=quote)|(?:#|//)[^\n]+"
_ASSIGNED = r"(?s)^(?P<head>[-+~/]{0,2}(?P<name>[A-Za-z_][\w.-]*)(?P<sep>[=:]))(?P<value>.+)$"


def mask_text(text: str) -> str:
    """`text` with its secrets replaced: credentials, passwords in URLs, and what stands behind a name of a secret."""
    if len(text) < 3:
        return text
    text = _mask_forms(text)
    if has_hint(text):
        text = _mask_named(text, PROSE)
    return text


def mask_source(text: str, *, code: bool) -> str:
    """A source or configuration file, or a patch of one, with its secrets replaced, none of its lines added or lost.

    Args:
        code: Whether it is written in a programming language: there a value without quotes is an expression.
    """
    text = _mask_forms(text)
    if has_hint(text):
        text = _mask_named(text, CODE if code else FILE)
        if code:
            text = _pattern(_LITERAL).sub(_mask_literal, text)
    return text


def _mask_literal(found: re.Match[str]) -> str:
    """A text or a comment in code, in which values need no quotes of their own."""
    text = found[0]
    return _mask_named(text, LITERAL) if has_hint(text) else text


class LineMask:
    """Masks a stream of lines that comes in pieces: a private key may begin in one piece and end in another."""

    def __init__(self) -> None:
        self._inside = False

    def __call__(self, lines: str) -> str:
        """Whole lines, masked."""
        if self._inside:
            end = lines.find("-----END ")
            if end < 0:
                return ""
            self._inside = False
            lines = lines[end:].partition("\n")[2]
        begin = lines.rfind("-----BEGIN ")
        if (
            begin >= 0
            and "PRIVATE KEY" in lines[begin : begin + 60]
            and "-----END " not in lines[begin:]
        ):
            self._inside = True
            return mask_text(lines[:begin]) + MASK + "\n"
        return mask_text(lines)


def _mask_forms(text: str) -> str:
    if "://" in text:
        text = _pattern(_URL_PASSWORD).sub(rf"\g<head>:{MASK}@", text)
        text = _pattern(_URL_TOKEN_USER).sub(rf"\g<head>{MASK}@", text)
        text = _pattern(_QUERY).sub(_mask_query, text)
    if len(text) >= SHORTEST:
        text = _mask_by(SPREAD_FORMS, text)
        if max(map(len, text.split()), default=0) >= SHORTEST:
            text = _mask_by(FORMS, text)
    return text


def _mask_by(forms: tuple[Form, ...], text: str) -> str:
    for form in forms:
        for mark in form.marks:
            if mark in text:
                pattern = _pattern(form.pattern)
                text = pattern.sub(
                    rf"\g<head>{MASK}" if "head" in pattern.groupindex else MASK, text
                )
                break
    return text


def _mask_query(found: re.Match[str]) -> str:
    name = found["name"]
    signed = name.lower() in ("sig", "signature", "key") or name.lower().endswith(
        ("-signature", "_signature")
    )
    return found["head"] + MASK if signed or is_secret_name(name) else found[0]


def _mask_named(text: str, how: Reading) -> str:
    """`text` with what stands behind names of secrets replaced."""
    parts: list[str] = []
    done = 0
    for begin, end in values(text, how):
        parts += (text[done:begin], MASK)
        done = end
    return "".join([*parts, text[done:]]) if parts else text


# -- plain data ------------------------------------------------------------------------------------


def mask_secrets(value: Any, name: str = "") -> Any:
    """A plain value (see `record.plain`) with every secret in it replaced by `MASK`, also in its keys."""
    if isinstance(value, str):
        return _mask_value(value, name)
    if isinstance(value, dict):
        return _mask_mapping(value, name)
    if isinstance(value, list):
        return _mask_list(value, name)
    # A password of digits is a number to YAML.
    if type(value) is int and abs(value) > 999 and name and words_of(name)[-1:] in (
        ["password"], ["passwd"], ["pwd"], ["passphrase"], ["passcode"], ["secret"],
    ):  # fmt: skip
        return MASK
    return value


def _mask_mapping(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    # What stands below "credentials" is secret by whatever name; below "token" or "auth" names decide.
    words = words_of(name) if name and is_secret_name(name) else []
    whole = words and words[-1].rstrip("s") in ("credential", "cred", "secret", "password")
    named = given.get("name", given.get("key"))
    masked: dict[str, Any] = {}
    for key, inner in given.items():
        below = name if whole else key
        if key == "value" and isinstance(named, str) and is_secret_name(named):
            below = named  # {"name": "API_KEY", "value": …}
        elif key == "key" and _is_account(given):
            below = "api_key"
        elif key == "key" and name and is_secret_name(f"{name}.key"):
            below = f"{name}.key"  # {"wandb": {"key": …}}
        shown = mask_text(key) if type(key) is str else key
        while shown in masked:
            shown += "*"
        masked[shown] = mask_secrets(inner, below)
    return masked


def _is_account(given: Mapping[str, Any]) -> bool:
    """Whether a mapping is a user's name with a key, as in Kaggle's file."""
    key = given.get("key")
    return isinstance(key, str) and len(key) >= 20 and not {"username", "user"}.isdisjoint(given)


def _mask_list(given: list[Any], name: str) -> list[Any]:
    if all(type(item) is str for item in given):
        if any(item.startswith("-") and is_secret_name(item.lstrip("-")) for item in given):
            return mask_arguments(given)
        if len(given) == 2 and is_secret_name(given[0]):  # a header, an item of a mapping
            first, second = given
            if is_value(second, is_certain_name(first), strict=True):
                return [first, MASK]
    return [mask_secrets(item, name) for item in given]


def _mask_value(value: str, name: str) -> str:
    if value and name and is_secret_name(name):
        told = words_of(name)[-1:] == ["token"] and names_text(value)
        return mask_text(value) if told else MASK
    given = _pattern(_ASSIGNED).match(value) if "=" in value else None
    if (
        given
        and given["sep"] == "="
        and is_secret_name(given["name"])
        and not any(map(str.isspace, value))
        and is_value(given["value"], True, strict=True)
    ):
        return str(given["head"]) + MASK  # an item of a list of variables or arguments
    return mask_text(value)


# -- events --------------------------------------------------------------------------------------------

# Where the bytes are, and what they are: a reader has to find them.
_OF_A_FILE = frozenset(["path", "hash"])
_NAMES_OF_A_FILE = frozenset(["path", "hash", "name", "prefix"])


def mask_event(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event of the journal, masked; names of files and the data of values stay as they were given."""
    kept = _NAMES_OF_A_FILE if kind == "file" else _OF_A_FILE
    if kind == "value" and fields.get("kind") != "text":
        kept |= {"data"}
    return {
        key: value
        if key in kept
        else [mask_text(item) if type(item) is str else mask_secrets(item) for item in value]
        if type(value) is list
        else mask_secrets(value)
        for key, value in fields.items()
    }


# -- command lines ---------------------------------------------------------------------------------

# Short options that take a secret, by the program; without a space behind them where the text is longer than they are.
_PROGRAM_OPTIONS = {
    "mysql": ("-p",), "mysqldump": ("-p",), "mariadb": ("-p",), "sshpass": ("-p",), "docker": ("-p",),
    "podman": ("-p",), "redis-cli": ("-a",), "curl": ("-u",), "wget": (), "wandb": ("login",), "ldapsearch": ("-w",),
}  # fmt: skip


def mask_arguments(arguments: list[str]) -> list[str]:
    """A command line with the values of secret options replaced, in all forms of giving them."""
    masked: list[str] = []
    hide_next = certain = False
    short: tuple[str, ...] = ()
    for argument in arguments:
        given = _pattern(_ASSIGNED).match(argument)
        if hide_next and _is_operand(argument, certain):
            masked.append(MASK)
            hide_next = False
            continue
        hide_next = False
        glued = next(
            (o for o in short if o[0] == "-" and argument.startswith(o) and argument != o), None
        )
        if glued is not None and argument[1] != "-":
            masked.append(glued + MASK)
        elif given and is_secret_name(given["name"]) and _assigns(given):
            masked.append(given["head"] + MASK)
        else:
            masked.append(mask_text(argument))
        program = argument.rpartition("/")[2]
        if program in _PROGRAM_OPTIONS:
            short = _PROGRAM_OPTIONS[program]
        elif argument in short:
            hide_next = certain = True
        elif argument.startswith("-") and "=" not in argument:
            name = argument.lstrip("-")
            hide_next, certain = is_secret_name(name), is_certain_name(name)
    return masked


def _is_operand(argument: str, certain: bool) -> bool:
    """Whether an argument is the value of the option before it."""
    if not argument.startswith("-"):
        return True
    return certain and len(argument) > 3 and argument[1] != "-" and any(map(str.isdigit, argument))


def _assigns(given: re.Match[str]) -> bool:
    """Whether `name=value` or `--name:value` gives a value; what is not an option may be a text with a colon."""
    if given["sep"] == "=":
        return True
    return (
        given["head"][0] in "-/"
        and is_certain_name(given["name"])
        and not given["value"][0].isspace()
    )
