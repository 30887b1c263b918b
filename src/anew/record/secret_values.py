"""Where in a text the values of secrets are: behind a name of a secret and a sign that gives it one."""

from __future__ import annotations

import re
from functools import cache

from .secret_names import is_certain_name, is_secret_name, words_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CODE",
    "FILE",
    "LITERAL",
    "MASK",
    "PROSE",
    "Reading",
    "is_value",
    "looks_random",
    "names_text",
    "values",
]

MASK = "***"
_pattern = cache(re.compile)

_NAME = (
    r"(?<![A-Za-z0-9_])(?:(?:[Aa][Pp][Ii]|[Aa]ccess|[Ss]ecret|[Pp]rivate|[Aa]uth|[Cc]lient) (?:[Kk]ey|[Tt]oken|[Ss]ecret)"
    r"(?: provided| is)?|[A-Za-z_][\w.-]{0,99})"
)
_QUOTE = r"[rbfuRBFU@$]{0,2}(?P<quote>\\*(?:\"\"\"|'''|[\"'`]))"
_QUOTED = _QUOTE + r"(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\\n]))+)(?P=quote)"
_CLOSE = r"(?:\\*[\"'`])?[ \t]*\]?"  # of a name in quotes, in brackets
_TYPE = r"(?:[ \t]*:[ \t]*[A-Za-z_][\w.]*(?:\[[\w., |\[\]]*\])?(?:[ \t]*\|[ \t]*\w+)*(?=[ \t]*=))?"
_IS = r"[ \t]*(?:=>|:=|!=|[=:]{1,3})[ \t]*"
# What may stand between a name and a value in quotes; a bracket after the sign may be the end of its line.
_TO_QUOTED = (
    _CLOSE
    + _TYPE
    + _IS
    + r"(?:(?:[\w.]*(?:Secret\w*|quote(?:_plus)?|Option|Field|str|bytes|b64encode))?\([ \t]*(?:\n[+ ]?[ \t]*)?)?"
    r"|\\*[\"'][ \t]*,[ \t]*(?:[^)\n\"']*\bdefault[ \t]*=[ \t]*)?"  # setdefault("NAME", "…"), add_argument("--name", default="…")
    r"|\\*[\"'][ \t]*,?[ \t]*\\*[\"']?(?:value|default)\\*[\"']?[ \t]*[=:][ \t]*"  # {"name": "NAME", "value": "…"}
    r"|[ \t]+(?=['\"])"  # PASSWORD '…'
)
_TO_BARE = _CLOSE + _IS + r"(?P<scheme>(?:[Bb]earer|[Bb]asic|[Tt]oken|[Dd]igest|ApiKey) +)?"
_TO_NEXT = r"(?:[\"'][ \t]*,[ \t]*[\"']|[ \t]+)"  # --password …
_TO_WORD = r"(?:[ \t]*[|│][ \t]*|[ \t]+(?:(?:is|was|->|provided:?)[ \t]+)?)"
_BARE = r"[\"'`]?(?P<value>[^\s\"'`,;&<>(){}\[\]|\\=:][^\s\"'`<>]*)"
# In a line of a configuration file the value goes on to the end of the line or to a comment.
_REST = r"(?P<value>[^\s\"'`#{\[&*!|>%@=:][^\n]*?)(?=[ \t]*(?:[ \t]#[^\n]*)?(?:,?[ \t]*)?(?:\n|$))"
_BLOCK = r"[|>][+-]?\d?[ \t]*\n[+ ]?[ \t]+(?P<value>\S[^\n]*)"  # YAML's texts of several lines
_MARKUP = r"(?P<value>[^<\s][^<\n]*)(?=</)"
_NEXT_VALUE = r"[\"']?[ \t]*\n[+ ]?[ \t]*value:[ \t]*[\"']?(?P<value>[^\s\"'{$][^\n\"']*)"  # - name: …, value: …
_SCHEME = r"(?P<head>(?:[Bb]earer|[Bb]asic|[Tt]oken|[Dd]igest|ApiKey) +)(?P<value>\S+)"
_LINE_START = r"(?:^|\n)[+ -]?[ \t]*(?:-[ \t]+)?(?:export[ \t]+)?[\"']?$"
_SET = r"(?:^|[\s+])(?:ENV|ARG|setenv|SetEnv)[ \t]+$"  # Dockerfile, csh, Apache
_PLACEHOLDER = r"(?:\{[^{}]*\}|\$\{[^}]*\}|\$\([^)]*\)?|\$(?:[A-Z_][A-Z0-9_]*|[a-z_]+|[0-9@*])|<[^>]*>|%\(?\w*\)?[sdr]?|\[[^\]]*\]|\.{2,}|[xX]{3,})+|[A-Z]+(?:_[A-Z]+)+|(?i:your)[-_ ][\w -]*"
_CALL = r"[A-Za-z_][\w.]*[(\[].*"
_NOT_SECRET = frozenset(
    ["true", "false", "none", "null", "nil", "yes", "no", "undefined", "empty", "~", "not", "optional", "required", "str",
     "string", "bytes", "self", "int", "any", "todo", "input", "env"]
)  # fmt: skip


class Reading:
    """How a text is read: with values that have no quotes, as lines of a file, as a text or comment within code."""

    __slots__ = ("bare", "literal", "source")

    def __init__(self, *, bare: bool, source: bool = False, literal: bool = False) -> None:
        self.bare = bare
        self.source = source
        self.literal = literal


PROSE = Reading(bare=True)
CODE = Reading(bare=False, source=True)
FILE = Reading(bare=True, source=True)
LITERAL = Reading(bare=True, source=True, literal=True)


def values(text: str, how: Reading) -> Iterator[tuple[int, int]]:
    """Where the values of secrets begin and end, from left to right."""
    names = _pattern(_NAME)
    at = 0
    while (name := names.search(text, at)) is not None:
        at, start = name.end(), name.start()
        said = name[0].rstrip(".-")
        if not is_secret_name(said) or (said.islower() and _is_text_token(text, start, said)):
            continue
        found = _value_after(text, start, start + len(said), is_certain_name(said), how)
        if found is not None:
            yield found
            at = max(at, found[1])


def _is_text_token(text: str, start: int, name: str) -> bool:
    """Whether the word before says that a token is a piece of text: "next token"."""
    if name != "token":
        return False
    before = text[max(0, start - 24) : start].rpartition("\n")[2].split()
    return bool(before) and before[-1].isalpha() and not is_secret_name(f"{before[-1]}_token")


def _value_after(
    text: str, start: int, stop: int, certain: bool, how: Reading
) -> tuple[int, int] | None:
    """Where the value of the name at `start` to `stop` is, if there is one that may be a secret."""
    quoted = _pattern(rf"(?:{_TO_QUOTED}){_QUOTED}").match(text, stop)
    if quoted is not None:
        return _quoted_value(text, start, stop, quoted, certain, how)
    if text[max(0, start - 1) : start] == "-" and not text[max(0, start - 2) : start - 1].isalnum():
        found = _pattern(_TO_NEXT + _BARE).match(text, stop)
        if found is not None and how.bare:
            value = found["value"]
            word = value.isalpha() and value.islower() and len(value) < 5
            if not value.startswith("-") and not word and is_value(value, certain, strict=True):
                return _trimmed(text, *found.span("value"))
    return _bare_value(text, start, stop, certain, how) if how.bare else None


def _quoted_value(
    text: str, start: int, stop: int, quoted: re.Match[str], certain: bool, how: Reading
) -> tuple[int, int] | None:
    value = quoted["value"]
    scheme = _pattern(_SCHEME).fullmatch(value)
    if scheme is not None and len(scheme["value"]) >= 8:
        return quoted.start("value") + scheme.start("value"), quoted.end("value")
    between = text[stop : quoted.start("quote")]
    if "," in between and between.lstrip("\\")[:1] in ("'", '"'):
        option = text[max(0, start - 1) : start] == "-"
        if value.startswith("-") or not (option or _is_argument(text, start, value)):
            return None  # another option, or one of a list of names
    spaced = how.source and any(map(str.isspace, value))
    if spaced and not (certain and is_secret_name(words_of(text[start:stop])[-1])):
        return None  # a sentence about a password
    return quoted.span("value") if is_value(value, certain, strict=how.source) else None


def _bare_value(
    text: str, start: int, stop: int, certain: bool, how: Reading
) -> tuple[int, int] | None:
    """As `_value_after`, for values without quotes."""
    before = text[max(0, start - 40) : start]
    if before.endswith("<"):
        return _checked(_pattern(">" + _MARKUP).match(text, stop), certain)
    found = _pattern(_NEXT_VALUE).match(text, stop)
    if found is None and _pattern(_SET).search(before):
        found = _pattern(r"[ \t]+" + _BARE).match(text, stop)
    if found is not None:
        return _checked(found, certain)
    if how.source and not how.literal and _pattern(_LINE_START).search(before):
        found = _pattern(_CLOSE + r"[ \t]*:[ \t]*" + _BLOCK).match(text, stop) or _pattern(
            _CLOSE + r"[ \t]*:[ \t]+" + _REST
        ).match(text, stop)
        if found is not None:
            return _checked(found, certain)
    found = _pattern(_TO_BARE + _BARE).match(text, stop)
    certain = certain or bool(found is not None and found["scheme"])
    unsure = how.literal and found is not None and "=" not in found[0][: -len(found["value"])]
    if found is None:
        found, unsure = _pattern(_TO_WORD + _BARE).match(text, stop), True
    if found is None or not is_value(found["value"], certain, strict=True):
        return None
    begin, end = _trimmed(text, *found.span("value"))
    return None if unsure and not looks_random(text[begin:end]) else (begin, end)


def _is_argument(text: str, start: int, value: str) -> bool:
    """Whether a name in quotes is an argument with its value behind it, and not one of a list of names."""
    before = text[max(0, start - 80) : start].rstrip("-").rstrip("\"'\\").rstrip()
    return before.endswith("(") or (
        looks_random(value) and bool(_pattern(r"\(\s*[\w.\[\]\"']+\s*,$").search(before))
    )


def _checked(found: re.Match[str] | None, certain: bool) -> tuple[int, int] | None:
    if found is None or not is_value(found["value"], certain, strict=True):
        return None
    return found.span("value")


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int]:
    """The span of a value without what belongs to the sentence or the list around it."""
    value = text[begin:end]
    follows = _pattern(r"[,&;][ \t]*[A-Za-z_][\w.-]*[=:]|&&|;$").search(value)
    if follows is not None:
        end = begin + follows.start()
    while end > begin + 1 and text[end - 1] in ")]},.:;!?&|":
        end -= 1
    return begin, end


def is_value(value: str, certain: bool, *, strict: bool) -> bool:
    """Whether what stands behind a name may be a secret.

    Args:
        certain: Whether the name leaves no doubt.
        strict: Whether the value stands in a text, and not in quotes behind a key of its own.
    """
    if MASK in value or len(value) < (2 if certain else 6):
        return False
    if value.casefold() in _NOT_SECRET or _pattern(_PLACEHOLDER).fullmatch(value):
        return False
    if _pattern(_CALL).fullmatch(value) and not any(
        c.isdigit() for c in value.partition("(")[0].partition("[")[0]
    ):
        return False
    if is_secret_name(value) and not any(map(str.isdigit, value)):
        return False  # what the secret is called: `token_variable = "HF_TOKEN"`
    if not any(map(str.isalnum, value)):
        return False
    return certain or (looks_random(value) if strict else not names_text(value))


def looks_random(value: str) -> bool:
    """Whether a value is more likely a key than a word or a number: `abcdef123456`, but not "accepted" or "1e-05"."""
    if any(map(str.isspace, value)) or len(value) < 6:
        return False
    letters, digits = sum(map(str.isalpha, value)), sum(map(str.isdigit, value))
    if letters >= 3 and digits >= 2:
        return True
    return len(value) >= 20 and letters >= 10 and value != value.lower()


def names_text(value: str) -> bool:
    """Whether the value of a "token" is a piece of text after all: `<pad>`, `[CLS]`, "the end"."""
    return not value.strip() or any(c in "<>[]|" or c.isspace() for c in value)
