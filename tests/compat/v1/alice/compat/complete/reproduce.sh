#!/usr/bin/env bash
# Runs this experiment again, in a folder of its own. Needs git and Python 3.11; Anew is not needed.

set -euo pipefail

usage() {
  cat <<'TEXT'
usage: reproduce.sh [options] [-- COMMAND …]
  --repo PATH_OR_URL   where the code is (default: where it was, this folder's repository, or its remote)
  --into FOLDER        where to work (default: a new temporary folder)
  --python PROGRAM     the Python to use (default: python3.11, else python3)
  --current            use that Python as it is, instead of a new environment with the recorded packages
  -- COMMAND …         run this instead of the recorded command, in the same place
TEXT
}
sha256() { "$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"; }
say() { printf 'reproduce: %s\n' "$*" >&2; }
fail() { say "error: $*"; exit 2; }

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
commit="a39b23ad2419d12ae3acb19393feefd7e4e1e2bf"; recorded_root=/home/alice/project; remote=''; patch_hash="8b164f83cc35582e5f5ed120d494653a1772976a76e8725c51a59b058df254d9"; packages_hash="10756645009181b29a837e6fc688d8d735f176fd1ad19ca27f3404d52a656c6a"; inputs=""; cwd=.
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
  for candidate in python3.11 python3 python; do
    if command -v "$candidate" >/dev/null && "$candidate" -c '' 2>/dev/null; then python="$candidate"; break; fi
  done
fi
command -v "$python" >/dev/null || fail "no Python was found; name one with --python"
python="$(command -v "$python")"
case "$python" in /*) ;; *) python="$PWD/$python" ;; esac
found="$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
[ "$found" = "3.11" ] || say "warning: the experiment ran on Python 3.11, this is $found"
if [ "" = yes ] && [ $# -eq 0 ]; then
  fail "the recorded command had a secret in it, which was not kept; give the whole command: reproduce.sh -- COMMAND …"
fi

# 2. The code
has_commit() { git -C "$1" cat-file -e "$commit^{commit}" 2>/dev/null; }
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
  git -C "$work" cat-file -e "$commit^{commit}" 2>/dev/null \
    || git -C "$work" fetch --quiet origin "$commit" 2>/dev/null \
    || fail "commit $commit is not in $repo; name a clone that has it with --repo"
  git -C "$work" -c advice.detachedHead=false checkout --quiet --detach "$commit"
  if [ -f "$work/.gitmodules" ]; then
    git -C "$work" submodule --quiet update --init --recursive || fail "the submodules cannot be fetched"
  fi
else
  mkdir "$work"; git init --quiet "$work"
fi
if [ "" = yes ]; then
  say "warning: it is unknown whether there were uncommitted changes; if there were, they are missing here"
fi
if [ -n "$patch_hash" ]; then
  patch="$here/environment/git.patch"
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
export LANG=C.UTF-8
export ANEW_ROOT="$top/experiments" ANEW_JOIN="{\"root\": \"$top/experiments\"}"
unset ANEW_PREFIX
cd "$work/$cwd"
if [ $# -gt 0 ]; then say "running: $*"; set -- "$@"; else say "running:" '/home/alice/venv/bin/python /home/alice/project/train.py record /home/alice/experiments'; set -- "$python" "$work"/train.py record /home/alice/experiments; fi
status=0
"$@" || status=$?
if [ $status -eq 0 ]; then say "done; everything is in $top"; else say "the command ended with $status; everything is in $top"; fi
exit $status
