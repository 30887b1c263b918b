"""`reproduce.sh`: the recipe as a script that needs git and Python, and not Anew."""

from __future__ import annotations

import os
import shlex

from ..record.secrets import MASK
from .command import is_python
from .variables import PLACE, changes_loading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = ["place_argument", "script_text"]


def place_argument(argument: str, roots: Mapping[str, str]) -> tuple[str, str]:
    """An argument parted into the place its path lies in and the rest: `("work", "train.py")`, `("", "--lr=1")`.

    Args:
        roots: Name of a place → its recorded absolute path, the more specific first.
    """
    for place, root in roots.items():
        if argument == root:
            return place, ""
        if root and argument.startswith(root.rstrip(os.sep) + os.sep):
            return place, argument[len(root.rstrip(os.sep)) + 1 :]
    return "", argument


def _word(argument: str, roots: Mapping[str, str]) -> str:
    option, equals, path = argument.partition("=")
    head = ""
    if argument.startswith("-") and equals:
        head, argument = shlex.quote(option) + "=", path
    place, rest = place_argument(argument, roots)
    if not place:
        return head + shlex.quote(argument)
    return head + f'"${place}"' + (f"/{shlex.quote(rest)}" if rest else "")


def script_text(
    git: Mapping[str, Any],
    command: Mapping[str, Any],
    environment: Mapping[str, Any],
    variables: Mapping[str, str],
    *,
    patch: str | None,
    inputs: bool,
) -> str:
    """The script for one recipe. The same recipe gives the same text, whatever experiment it belongs to.

    Args:
        patch: The SHA-256 of `environment/git.patch`; None without one.
        inputs: Whether there is an `environment/inputs.sha256`.
    """
    argv = list(command.get("launcher") or command.get("argv") or [])
    link, entry = command.get("entry_link"), command.get("entry")
    if link and entry:
        argv = [entry if os.path.join(command.get("cwd") or "", a) == link else a for a in argv]
    root = git.get("root") or ""
    bin_folder = os.path.join(environment.get("prefix") or "", "bin")
    roots = {"bin": bin_folder if environment.get("prefix") else "", "work": root}
    words = [_word(argument, roots) for argument in argv]
    if argv and is_python(argv[0]):
        words[0] = '"$python"'
    cwd = os.path.relpath(command.get("cwd") or root or ".", root) if root else "."
    version = ".".join(
        str(environment.get("python") or command.get("python") or "3").split(".")[:2]
    )
    exports = [
        f"export {name}={shlex.quote(value)}"
        for name, value in variables.items()
        if not PLACE.match(name) and not changes_loading(name) and MASK not in value
    ]
    import_from = [p for p in environment.get("paths", []) if p != "."]
    if import_from:
        folders = ":".join(f"$work/{p}" for p in import_from)
        exports.append(f'export PYTHONPATH="{folders}${{PYTHONPATH:+:$PYTHONPATH}}"')
    missing = [
        f"#   left out of the patch: {p} ({why})" for p, why in git.get("left_out", {}).items()
    ]
    facts = {
        "@VERSION@": version,
        "@COMMIT@": git.get("commit") or "",
        "@ROOT@": shlex.quote(root if git.get("repository", True) else ""),
        "@REMOTE@": shlex.quote(git.get("remote") or ""),
        "@PATCH@": patch or "",
        "@PUSHED@": str(git.get("pushed") or "") if git.get("pushed_patch") else "",
        "@PUSHED_PATCH@": str(git.get("pushed_patch") or ""),
        "@REQUIREMENTS@": str(environment.get("requirements") or ""),
        "@INPUTS@": "yes" if inputs else "",
        "@UNKNOWN@": "yes" if git.get("commit") and git.get("dirty") is None else "",
        "@CWD@": shlex.quote(cwd if not cwd.startswith("..") else "."),
        "@NOTES@": "\n".join(missing[:20]) + ("\n" if missing else ""),
        "@EXPORTS@": "\n".join(exports) or ":",
        "@COMMAND@": " ".join(words) or "false",
        "@SHOWN@": shlex.quote(shlex.join(argv)),
        "@SECRETS@": "yes" if any(MASK in word for word in argv) else "",
    }
    text = _TEMPLATE
    for mark, value in facts.items():
        text = text.replace(mark, value)
    return text


_TEMPLATE = r"""#!/usr/bin/env bash
# Runs this experiment again, in a folder of its own. Needs git and Python @VERSION@; Anew is not needed.
@NOTES@
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: reproduce.sh [options] [-- COMMAND …]
  --repo PATH_OR_URL   where the code is (default: where it was, this folder's repository, or its remote)
  --into FOLDER        where to work (default: a new temporary folder)
  --python PROGRAM     the Python to use (default: python@VERSION@, else python3)
  --current            use that Python as it is, instead of a new environment with the recorded packages
  -- COMMAND …         run this instead of the recorded command, in the same place
TEXT
}
sha256() { "$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"; }
say() { printf 'reproduce: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 2; }

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
commit="@COMMIT@"; recorded_root=@ROOT@; remote=@REMOTE@; patch_hash="@PATCH@"; patch_name=git.patch; pushed="@PUSHED@"; packages_hash="@REQUIREMENTS@"; inputs="@INPUTS@"; cwd=@CWD@
repo=""; work=""; python=""; environment=new
while [ $# -gt 0 ]; do
  case "$1" in
    --repo) repo="${2:?--repo needs a path or URL}"; shift 2 ;;
    --into) work="${2:?--into needs a folder}"; shift 2 ;;
    --python) python="${2:?--python needs a program}"; shift 2 ;;
    --current) environment=current; shift ;;
    -h|--help) usage; exit 0 ;;
    --) shift; break ;;
    *) usage >&2; fail "there is no option $1" ;;
  esac
done

# 1. What is needed
command -v git >/dev/null || fail "git is not installed"
if [ -z "$python" ]; then
  for candidate in python@VERSION@ python3 python; do
    if command -v "$candidate" >/dev/null && "$candidate" -c '' 2>/dev/null; then python="$candidate"; break; fi
  done
fi
command -v "$python" >/dev/null || fail "no Python was found; name one with --python"
python="$(command -v "$python")"
case "$python" in /*) ;; *) python="$PWD/$python" ;; esac
found="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
[ "$found" = "@VERSION@" ] || say "warning: the experiment ran on Python @VERSION@, this is $found"
if [ "@SECRETS@" = yes ] && [ $# -eq 0 ]; then
  fail "the recorded command had a secret in it, which was not kept; give the whole command: reproduce.sh -- COMMAND …"
fi

# 2. The code
has_commit() { git -C "$1" cat-file -e "$commit^{commit}" 2>/dev/null; }
# Where the commit is nowhere, the newest one that was pushed does, with a patch against that.
from_pushed() {
  [ -n "$pushed" ] || return 1
  say "commit $commit is not there; using $pushed, which was pushed, and the patch against it"
  commit="$pushed"; patch_hash="@PUSHED_PATCH@"; patch_name=pushed.patch
}
if [ -n "$commit" ] && [ -z "$repo" ]; then
  if [ -n "$recorded_root" ] && [ -d "$recorded_root" ] && has_commit "$recorded_root"; then repo="$recorded_root"
  elif has_commit .; then repo="$(git rev-parse --show-toplevel)"
  elif has_commit "$here"; then repo="$(git -C "$here" rev-parse --show-toplevel)"
  elif [ -n "$remote" ]; then repo="$remote"
  else fail "commit $commit is not here; name a clone that has it with --repo"; fi
fi
if [ -z "$work" ]; then work="$(mktemp -d "${TMPDIR:-/tmp}/reproduce-XXXXXX")"
elif [ -e "$work" ] && [ -n "$(ls -A "$work")" ]; then fail "$work is not empty"
else mkdir -p "$work"; fi
top="$(cd "$work" && pwd -P)"; work="$top/code"
if [ -n "$commit" ]; then
  say "checking out $commit from $repo"
  shared=""; if [ -d "$repo" ]; then shared="--shared"; repo="$(cd "$repo" && pwd -P)"; fi
  git clone --quiet --no-checkout $shared "$repo" "$work" || fail "$repo cannot be cloned"
  has_commit "$work" || git -C "$work" fetch --quiet origin "$commit" 2>/dev/null \
    || { from_pushed && { has_commit "$work" || git -C "$work" fetch --quiet origin "$commit" 2>/dev/null; }; } \
    || fail "commit $commit is not in $repo; name a clone that has it with --repo"
  git -C "$work" -c advice.detachedHead=false checkout --quiet --detach "$commit"
  if [ -f "$work/.gitmodules" ]; then
    git -C "$work" submodule --quiet update --init --recursive || fail "the submodules cannot be fetched"
  fi
else
  mkdir "$work"; git init --quiet "$work"
fi
if [ "@UNKNOWN@" = yes ]; then
  say "warning: it is unknown whether there were uncommitted changes; if there were, they are missing here"
fi
if [ -n "$patch_hash" ]; then
  patch="$here/environment/$patch_name"
  [ -f "$patch" ] || fail "$patch is missing"
  [ "$(sha256 "$patch")" = "$patch_hash" ] || fail "$patch is not the patch that was recorded"
  git -C "$work" apply --binary --whitespace=nowarn "$patch" || fail "the patch of uncommitted changes does not apply"
  say "applied the uncommitted changes"
fi

# 3. The data
if [ -n "$inputs" ]; then
  say "checking the inputs"
  "$python" - "$here/environment/inputs.sha256" "$work" "$recorded_root" <<'PY' || exit 2
import hashlib, os, sys
manifest, work, recorded = sys.argv[1:]
bad = 0
for line in open(manifest, encoding="utf-8", errors="surrogateescape"):
    wanted, _, path = line.rstrip("\n").partition("  ")
    place = os.path.join(work, path)
    if not os.path.exists(place) and recorded and not os.path.isabs(path):
        there = os.path.join(recorded, path)
        if os.path.exists(there):  # data that is not in git: used from where it was
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(there, place)
    try:
        with open(place, "rb") as file:
            found = hashlib.sha256()
            while block := file.read(1 << 20):
                found.update(block)
    except OSError:
        print(f"reproduce: error: the input {place} is missing", file=sys.stderr); bad += 1; continue
    if found.hexdigest() != wanted:
        print(f"reproduce: error: the input {place} has changed since the run", file=sys.stderr); bad += 1
sys.exit(bad > 0)
PY
fi

# 4. The packages
bin="$(dirname "$python")"
if [ "$environment" = new ]; then
  packages="$here/environment/requirements.txt"
  [ -f "$packages" ] || fail "$packages is missing; use --current"
  if [ -n "$packages_hash" ] && [ "$(sha256 "$packages")" != "$packages_hash" ]; then
    fail "$packages is not the list of packages that was recorded; nothing was installed from it. Use --current"
  fi
  say "making an environment with the recorded packages"
  "$python" -m venv "$top/venv" || fail "$python cannot make a virtual environment"
  python="$top/venv/bin/python"; bin="$top/venv/bin"
  (cd "$work" && "$python" -m pip --disable-pip-version-check install --quiet -r "$packages") \
    || fail "the recorded packages cannot be installed; see $packages, or use --current"
  export VIRTUAL_ENV="$top/venv"
fi
export PATH="$bin:$PATH"

# 5. The run; what it records of itself does not mix with the original
@EXPORTS@
export ANEW_ROOT="$top/experiments" ANEW_JOIN="{\"root\": \"$top/experiments\"}"
unset ANEW_PREFIX
cd "$work/$cwd"
if [ $# -gt 0 ]; then say "running: $*"; set -- "$@"; else say "running:" @SHOWN@; set -- @COMMAND@; fi
status=0
"$@" || status=$?
if [ $status -eq 0 ]; then say "done; everything is in $top"; else say "the command ended with $status; everything is in $top"; fi
exit $status
"""
