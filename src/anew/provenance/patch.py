"""Patches as bytes: splitting them by file, removing secrets, and making one without git."""

from __future__ import annotations

import os
import re

from ..record.secrets import mask_source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["LeftOut", "new_file_patch", "sections", "without_secrets"]

LeftOut = dict[str, str]
"""Paths that are not in a patch, each with the reason."""

_HEADER = b"diff --git "
# In these a value without quotes is an expression; in every other file it is the value itself.
_CODE = frozenset(
    [
        ".c",
        ".cc",
        ".cpp",
        ".cs",
        ".cu",
        ".cuh",
        ".cxx",
        ".dart",
        ".go",
        ".h",
        ".hpp",
        ".ipynb",
        ".java",
        ".jl",
        ".js",
        ".jsx",
        ".kt",
        ".lua",
        ".m",
        ".mjs",
        ".php",
        ".pl",
        ".py",
        ".pyi",
        ".pyx",
        ".r",
        ".rb",
        ".rs",
        ".scala",
        ".sql",
        ".svelte",
        ".swift",
        ".tf",
        ".ts",
        ".tsx",
        ".vue",
    ]
)
# Files made to hold secrets: kept out whole, whatever is in them.
_SECRET_FILE = re.compile(
    r"(^|/)(\.env(\..*)?|\.netrc|\.pypirc|\.pgpass|credentials(\.\w+)?|id_(rsa|dsa|ecdsa|ed25519)|"
    r"secrets?\.(ya?ml|json|toml|ini|env)|[^/]+\.(pem|key|p12|pfx|keystore|jks))$",
    re.IGNORECASE,
)


def is_secret_file(path: str) -> bool:
    """Whether a file of that name usually holds secrets (`.env`, `id_rsa`, `server.pem` …)."""
    return bool(_SECRET_FILE.search(path)) and not path.endswith(
        (".example", ".template", ".sample")
    )


def is_code(path: str) -> bool:
    """Whether a file of that name is written in a programming language."""
    return os.path.splitext(path)[1].lower() in _CODE


def sections(patch: bytes) -> list[tuple[str, bytes]]:
    """A patch of git parted by file: `(path after the change, its bytes)`."""
    parts: list[tuple[str, bytes]] = []
    starts = [m.start() for m in re.finditer(rb"^diff --git ", patch, re.M)]
    for start, end in zip(starts, [*starts[1:], len(patch)], strict=False):
        part = patch[start:end]
        parts.append((_path_of(part), part))
    return parts


def _path_of(section: bytes) -> str:
    head = section.split(b"\n@@", 1)[0].split(b"\nGIT binary patch", 1)[0]
    for mark in (b"\n+++ ", b"\n--- "):
        found = head.find(mark)
        if found >= 0:
            line = head[found + 5 :].split(b"\n", 1)[0].rstrip(b"\t")
            if line != b"/dev/null":
                return _unquoted(line)[2:]
    line = head.split(b"\n", 1)[0][len(_HEADER) :]
    if line.startswith(b'"'):
        return _unquoted(line[: line.index(b'" ') + 1] if b'" ' in line else line)[2:]
    # "a/x b/x": without renames both halves are the same path.
    return line[2 : 2 + (len(line) - 5) // 2].decode("utf-8", "surrogateescape")


def _unquoted(path: bytes) -> str:
    if path.startswith(b'"') and path.endswith(b'"'):
        raw = path[1:-1].decode("latin-1").encode("latin-1").decode("unicode_escape")
        return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")
    return path.decode("utf-8", "surrogateescape")


def without_secrets(patch: bytes) -> tuple[bytes, LeftOut, list[str]]:
    """The patch without secrets, the files that were left out because of secrets, and those in which secrets were masked.

    A secret on an added line is replaced, so that the patch still applies. On a line that the patch needs as it is
    (removed or context) it cannot be; then the file's part is left out.
    """
    kept, left_out, masked = [], {}, []
    for path, part in sections(patch):
        if is_secret_file(path):
            left_out[path] = "a file that usually holds secrets"
            continue
        if b"\nGIT binary patch" in part:
            kept.append(part)
            continue
        text = part.decode("utf-8", "surrogateescape")
        clean = mask_source(text, code=is_code(path))
        if clean == text:
            kept.append(part)
            continue
        before, after = text.split("\n"), clean.split("\n")
        touched = [old for old, new in zip(before, after, strict=False) if old != new]
        if len(before) != len(after) or not all(
            line.startswith("+") and not line.startswith("+++ ") for line in touched
        ):
            left_out[path] = "it seems to contain a secret"
            continue
        masked.append(path)
        kept.append(clean.encode("utf-8", "surrogateescape"))
    return b"".join(kept), left_out, masked


def new_file_patch(root: str, paths: Iterable[str], limit: int) -> tuple[bytes, LeftOut]:
    """A patch that recreates text files, for code outside a repository.

    Args:
        root: The folder that the patch is relative to.
        paths: Files below it, relative, with forward slashes.
        limit: The most bytes of one file.
    """
    parts, left_out = [], {}
    for path in paths:
        try:
            with open(os.path.join(root, *path.split("/")), "rb") as file:
                data = file.read(limit + 1)
        except OSError as error:
            left_out[path] = f"it cannot be read: {error.strerror}"
            continue
        if len(data) > limit or b"\0" in data:
            left_out[path] = f"larger than {limit} bytes" if len(data) > limit else "not a text"
            continue
        name = path.encode("utf-8", "surrogateescape")
        head = b"diff --git a/%s b/%s\nnew file mode 100644\n" % (name, name)
        if not data:
            parts.append(head + b"index 0000000..e69de29\n")
            continue
        lines = data.split(b"\n")
        ended = not lines[-1]
        if ended:
            lines.pop()
        head += b"--- /dev/null\n+++ b/%s\n@@ -0,0 +1,%d @@\n" % (name, len(lines))
        body = b"".join(b"+" + line + b"\n" for line in lines)
        parts.append(head + body + (b"" if ended else b"\\ No newline at end of file\n"))
    return b"".join(parts), left_out
