"""Recognising secrets, so that none is written into a record.

Two signs count: a key that names a secret and holds a text, and a text that has the form of a known
credential or of a URL with a password. What is recognised is replaced by `MASK`; the shape of the
record stays. In machine learning a "token" is a piece of text more often than a key to somewhere, so names
are judged by their words (`hf_token` and `api_token`, but not `pad_token`, `max_tokens` or `tokenizer`).
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


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# What a name must hold to be looked at any closer.
_HINTS = (
    "key", "secret", "pass", "pwd", "cred", "auth", "bearer", "token", "jwt", "cookie", "webhook",
    "connection", "dsn",
)  # fmt: skip
# A name with one of these words names a secret.
_SECRET_WORDS = _set(
    "apikey auth authorization authtoken accesstoken bearer cred credential credentials creds jwt "
    "passphrase passwd password passwords pwd secret secretkey secrets sshkey"
)
# … or with a word that ends so ("dbpassword").
_SECRET_ENDS = ("password", "passwd", "apikey", "secretkey", "authtoken", "accesstoken")
# … or with two words in a row: the first, by the second.
_SECRET_PAIRS = {
    "key": _set(
        "access account admin api app aws azure client deploy encryption google hf kaggle license master "
        "openai private secret service shared signing ssh storage subscription wandb"
    ),
    "pass": _set(
        "admin database db email ftp http login mail mongo mysql pg postgres proxy redis root smtp user"
    ),
    "token": _set(
        "access api app auth aws azure bearer bot comet csrf deploy discord gh github gitlab google hf hub "
        "huggingface id jwt login mlflow neptune npm oauth openai personal pypi refresh registry replicate sas "
        "secret security service session slack telegram tracking upload wandb"
    ),
    "string": frozenset(["connection"]),
    "url": frozenset(["webhook"]),
    "webhook": frozenset(["discord", "slack", "teams"]),
}
_SECRET_ALONE = frozenset(["cookie", "dsn", "token"])
_SECRET_LAST = frozenset(["cookie", "cookies", "dsn"])
# "… token" is a piece of text or a count after these words.
_TEXT_TOKENS = _set(
    "action additional answer assistant audio avg bad begin blank block bos bot byte char chat class cls "
    "context current decoder delimiter doc dummy each empty encoder end eod eos eot every extra fill fim final "
    "first forced global goal ignore image img input label lang language last latent mask max mean memory "
    "message middle min n new newline next num output pad padding patch pause per placeholder prefix prev "
    "previous prompt query question register reward role sep separator sentinel single source spatial special "
    "speech src start state stop sub subword suffix system target task temporal text tgt think thinking time "
    "tool total trigger turn unk unknown vision visual vocab word"
)
# fmt: off
_TEXT_WORDS = (
    "AKIA", "ASIA", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_", "sk-", "xox",
    "AIza", "eyJ", "npm_", "pypi-", "gsk_", "r8_", "k_live_", "k_test_", "dapi", "ya29.", "GOCSPX-", "SG.",
    "AGE-SECRET-KEY-", "hooks.slack.com/", "earer ", "asic ", "AccountKey=",
)
# fmt: on
_SECRET_TEXT = (
    r"\b("
    r"AKIA[0-9A-Z]{16}|ASIA[0-9A-Z]{16}"  # AWS key ids
    r"|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{30,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}"
    # OpenAI, Anthropic and others: random characters, not words joined by dashes
    r"|sk-(?:ant|proj|svcacct|or)-[A-Za-z0-9_-]{20,}"
    r"|sk-(?=[\w-]*(?:[A-Za-z0-9]{16}|[0-9][\w-]*[A-Z]|[A-Z][\w-]*[0-9]))[A-Za-z0-9_-]{20,}"
    r"|gsk_[A-Za-z0-9]{30,}|r8_[A-Za-z0-9]{30,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|dapi[0-9a-f]{32}|ya29\.[\w-]{30,}|GOCSPX-[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/[\w/]+"  # Slack
    r"|AIza[0-9A-Za-z_-]{35}"  # Google
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}"  # JSON web tokens
    r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{30,}|AGE-SECRET-KEY-1[0-9A-Z]{40,}"
    r")"
)
_SHORTEST = 12  # no credential of these forms is shorter
_HEADER = r"(?P<head>\b(?:[Bb]earer|[Bb]asic) +)(?=[\w.~+/-]*[0-9A-Z=])[\w.~+/-]{16,}=*"
_ACCOUNT_KEY = r"(?P<head>\bAccountKey=)[^;\s]+"
_PEM = r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)"
# A password may hold an "@": the last one before the path parts it from the host.
_URL_PASSWORD = r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/@:\"']*):(?P<password>[^\s/\"']+)@"
_URL_TOKEN_USER = r"(?P<head>\bhttps?://)(?P<user>[^\s/@:]{16,})@"
_QUERY = r"(?P<head>[?&;](?P<name>[\w.-]+)=)[^&\s;\"']+"
# A variable set on a command line or in a script; code that computes one is left alone.
_VARIABLE = r"(?P<head>\b(?P<name>[A-Z][A-Z0-9_]*)=)(?=[\w./+-]*[0-9])[\w./+-]{8,}=*(?![\w(\[.])"
_ASSIGNED = r"(?s)^(?P<head>-{0,2}(?P<name>[A-Za-z][\w.-]*)=)(?P<value>.+)$"


def is_secret_name(name: str) -> bool:
    """Whether a key of this name would hold a secret (`api_key`, `WANDB_API_KEY`, `db.password` …)."""
    folded = name.casefold()
    if not any(hint in folded for hint in _HINTS):
        return False
    words = _words(name)
    if not words or (
        folded in ("pwd", "oldpwd") and name.isupper()
    ):  # the shell's working directory
        return False
    if any(word in _SECRET_WORDS or word.endswith(_SECRET_ENDS) for word in words):
        return True
    for i, second in enumerate(words[1:]):
        owners = _SECRET_PAIRS.get(second) or _SECRET_PAIRS.get(second.removesuffix("s"))
        if owners and words[i] in owners:
            return True
    last = words[-1]
    if (len(words) == 1 and last in _SECRET_ALONE) or last in _SECRET_LAST:
        return True
    # Whose token it is, is not known: better masked than told.
    return last == "token" and len(words) > 1 and words[-2] not in _TEXT_TOKENS


def _words(name: str) -> list[str]:
    """The words of a name, in lower case: parted by marks, digits, and where a capital begins one."""
    words, word, before = [], "", ""
    for char in name:
        if not char.isalpha() or (char.isupper() and before.islower()):
            if word:
                words.append(word)
            word = ""
        if char.isalpha():
            word += char.lower()
        before = char
    return [*words, word] if word else words


def _names_text(value: str) -> bool:
    """Whether the value of a "token" is a piece of text after all: `<pad>`, `[CLS]`, "the end"."""
    return not value.strip() or any(c in "<>[]|" or c.isspace() for c in value)


def mask_text(text: str) -> str:
    """`text` with credentials of known forms and passwords in URLs replaced."""
    if "://" in text:
        text = _pattern(_URL_PASSWORD).sub(rf"\g<head>:{MASK}@", text)
        text = _pattern(_URL_TOKEN_USER).sub(rf"\g<head>{MASK}@", text)
        text = _pattern(_QUERY).sub(_mask_query, text)
    if len(text) < _SHORTEST:
        return text
    if "PRIVATE KEY" in text:
        text = _pattern(_PEM).sub(MASK, text)
    if any(word in text for word in _TEXT_WORDS):
        text = _pattern(_SECRET_TEXT).sub(MASK, text)
        text = _pattern(_HEADER).sub(rf"\g<head>{MASK}", text)
        text = _pattern(_ACCOUNT_KEY).sub(rf"\g<head>{MASK}", text)
    if "=" in text and any(word in text for word in ("KEY", "TOKEN", "SECRET", "PASS", "AUTH")):
        text = _pattern(_VARIABLE).sub(_mask_named, text)
    return text


def _mask_named(found: re.Match[str]) -> str:
    return found["head"] + MASK if is_secret_name(found["name"]) else found[0]


def _mask_query(found: re.Match[str]) -> str:
    name = found["name"]
    signed = name.lower() in ("sig", "signature") or name.lower().endswith(
        ("-signature", "_signature")
    )
    return found["head"] + MASK if signed or is_secret_name(name) else found[0]


def mask_secrets(value: Any, name: str = "") -> Any:
    """A plain value (see `record.plain`) with every secret in it replaced by `MASK`."""
    if isinstance(value, str):
        return _mask_value(value, name)
    if isinstance(value, dict):
        # What stands below "credentials" is secret by whatever name; below "token" or "auth" names decide.
        words = _words(name) if name and is_secret_name(name) else []
        whole = words and words[-1].rstrip("s") in ("credential", "cred", "secret", "password")
        return {k: mask_secrets(v, name if whole else k) for k, v in value.items()}
    if isinstance(value, list):
        return [mask_secrets(v, name) for v in value]
    # A password of digits is a number to YAML.
    if type(value) is int and abs(value) > 999 and name and _words(name)[-1:] in (
        ["password"], ["passwd"], ["pwd"], ["passphrase"], ["secret"],
    ):  # fmt: skip
        return MASK
    return value


def _mask_value(value: str, name: str) -> str:
    if value and name and is_secret_name(name):
        told = _words(name)[-1:] == ["token"] and _names_text(value)
        return mask_text(value) if told else MASK
    given = _pattern(_ASSIGNED).match(value) if "=" in value else None
    if given and is_secret_name(given["name"]) and not any(map(str.isspace, value)):
        return str(given["head"]) + MASK  # an item of a list of variables or arguments
    return mask_text(value)


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
