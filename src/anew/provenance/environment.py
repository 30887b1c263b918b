"""The Python environment: interpreter, installed packages, frameworks. Read from folder names, not by importing."""

from __future__ import annotations

import os
import sys

from ..record.secrets import mask_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Package", "conda_text", "find_packages", "interpreter", "requirements_text"]

FRAMEWORKS = ("torch", "jax", "jaxlib", "tensorflow", "numpy", "scipy", "scikit-learn")


class Package:
    """One installed package. `origin` says how it came if not from an index: editable, vcs, folder or file.

    One that was built here may be another with the same version: `content` is the beginning of a hash of its list of files.
    """

    __slots__ = ("content", "name", "origin", "url", "version")

    def __init__(self, name: str, version: str, origin: str = "", url: str = "") -> None:
        self.name = name
        self.version = version
        self.origin = origin
        self.url = url
        self.content = ""


def find_packages(paths: Iterable[str]) -> list[Package]:
    """The packages installed in the folders of a `sys.path`, by normalised name; the first one found counts."""
    found: dict[str, Package] = {}
    for folder in paths:
        try:
            with os.scandir(folder or ".") as entries:
                names = sorted(
                    e.name for e in entries if e.name.endswith((".dist-info", ".egg-info"))
                )
        except OSError:
            continue
        for name in names:
            package = _package(os.path.join(folder, name), name)
            if package is not None:
                found.setdefault(package.name, package)
    return [found[name] for name in sorted(found)]


def _package(path: str, folder: str) -> Package | None:
    stem, _, kind = folder.rpartition(".")
    name, _, version = stem.partition("-")
    if kind == "egg-info":
        version = version.partition("-")[0]
    if not version:  # an .egg-info beside sources has its version inside
        name, version = _from_metadata(os.path.join(path, "PKG-INFO")) or (name, "")
    if not name or not version or name.startswith("~"):
        return None
    import re

    package = Package(re.sub(r"[-_.]+", "-", name).lower(), version)
    if kind == "dist-info":
        _read_origin(package, os.path.join(path, "direct_url.json"))
    return package


def _from_metadata(path: str) -> tuple[str, str] | None:
    name = version = ""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith("Name: "):
                    name = line[6:].strip()
                elif line.startswith("Version: "):
                    version = line[9:].strip()
                elif line == "\n":
                    break
    except OSError:
        return None
    return (name, version) if name and version else None


def _read_origin(package: Package, path: str) -> None:
    import json

    try:
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        url = mask_text(str(record.get("url", "")))
        if record.get("dir_info", {}).get("editable"):
            package.origin, package.url = "editable", _local(url)
        elif "vcs_info" in record:
            vcs = record["vcs_info"]
            commit = vcs.get("commit_id") or vcs.get("requested_revision") or ""
            package.origin, package.url = "vcs", f"{vcs.get('vcs', 'git')}+{url}@{commit}"
            if record.get("subdirectory"):
                package.url += f"#subdirectory={record['subdirectory']}"
        elif url.startswith("file:"):
            package.origin = "folder" if "dir_info" in record else "file"
            package.url = _local(url)
            package.content = _content(os.path.join(os.path.dirname(path), "RECORD"))
    except (OSError, ValueError, AttributeError, TypeError):
        return


def _content(record: str) -> str:
    """A hash of an installed package's files: of the list of them, which has a hash of each."""
    import hashlib

    try:
        with open(record, "rb") as file:
            # What Python compiles later is added to no list, and what pip compiles is in it without a hash.
            lines = [line for line in file.read().splitlines() if b".pyc," not in line]
    except OSError:
        return ""
    return hashlib.sha256(b"\n".join(sorted(lines))).hexdigest()[:16]


def _local(url: str) -> str:
    from urllib.parse import unquote, urlsplit

    return unquote(urlsplit(url).path) if url.startswith("file:") else url


def requirements_text(packages: list[Package], python: str, repository: str | None) -> str:
    """The packages as a requirements file that pip reads; what no index has is marked.

    Args:
        python: The version they were installed for.
        repository: The top of the working tree: an editable install of it is written relative to it.
    """
    lines = [f"# Python {python}"]
    for package in packages:
        pin = f"{package.name}=={package.version}"
        if package.origin == "editable":
            relative = os.path.relpath(package.url, repository) if repository else ".."
            if relative == "." or not relative.startswith(".."):
                relative = "." if relative == "." else f"./{relative.replace(os.sep, '/')}"
                lines.append(f"-e {relative}  # {pin}, editable, part of the repository")
            else:
                lines.append(f"-e {package.url}  # {pin}, editable, outside the repository")
        elif package.origin == "vcs":
            lines.append(f"{package.name} @ {package.url}  # {pin}, from version control")
        elif package.origin == "folder":
            # Never by its name alone: an index may have somebody else's package of that name.
            place = package.url.replace(" ", "%20")
            lines.append(f"{package.name} @ file://{place}  # {pin}, from a folder{_told(package)}")
        elif package.origin == "file":
            lines.append(f"{pin}  # {pin}, installed from {package.url}{_told(package)}")
        else:
            lines.append(pin)
    return "\n".join(lines) + "\n"


def _told(package: Package) -> str:
    return f", content {package.content}" if package.content else ""


def conda_text(prefix: str) -> str | None:
    """The packages of a conda environment as `conda list --export` writes them; None where there is no conda."""
    try:
        names = sorted(
            n[:-5] for n in os.listdir(os.path.join(prefix, "conda-meta")) if n.endswith(".json")
        )
    except OSError:
        return None
    lines = ["# conda packages: name=version=build"]
    for name in names:
        parts = name.rsplit("-", 2)
        if len(parts) == 3:
            lines.append("=".join(parts))
    return "\n".join(lines) + "\n"


def interpreter() -> dict[str, Any]:
    """The Python that runs this, its platform and the C library."""
    import platform

    facts = {
        "python": sys.version.split()[0],
        "implementation": sys.implementation.name,
        "executable": sys.executable,
        "prefix": sys.prefix,
        "virtual": sys.prefix != sys.base_prefix,
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
    }
    libc = " ".join(platform.libc_ver()).strip()
    return {**facts, "libc": libc} if libc else facts


def frameworks(packages: list[Package]) -> dict[str, str]:
    """The versions of the numerical libraries, and of CUDA as torch was built for it."""
    versions = {p.name: p.version for p in packages}
    found = {name: versions[name] for name in FRAMEWORKS if name in versions}
    torch = sys.modules.get("torch")
    built_for = getattr(getattr(torch, "version", None), "cuda", None)
    if built_for:
        found["torch-cuda"] = str(built_for)
    return found


def paths_within(
    repository: str | None, paths: Iterable[str], packages: Iterable[Package] = ()
) -> list[str]:
    """The entries of a `sys.path` that lie in the repository, relative to it, its environments left out.

    An editable install of the project points there; a re-run must import from its own checkout instead.
    """
    if repository is None:
        return []
    real, found = os.path.realpath(repository), []
    # Some editable installs are not on the path: a hook finds them.
    editable = [p.url for p in packages if p.origin == "editable"]
    sources = [
        os.path.join(url, "src") if os.path.isdir(os.path.join(url, "src")) else url
        for url in editable
    ]
    for path in (*paths, *sources):
        relative = os.path.relpath(os.path.realpath(path or "."), real)
        if relative.startswith("..") or "site-packages" in relative or "dist-packages" in relative:
            continue
        if os.path.isdir(path or ".") and relative not in found:
            found.append(relative)
    return found
