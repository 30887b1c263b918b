"""Run a tracker's own tests of its public behaviour against Anew's dialect of it.

    python tools/dialect_tests.py mlflow PATH_OF_A_CHECKOUT [arguments of pytest]
    python tools/dialect_tests.py wandb PATH_OF_A_CHECKOUT
    python tools/dialect_tests.py tensorboard PATH_OF_A_CHECKOUT_OF_TENSORBOARDX

The tests come from the checkout and are not changed; the tracker itself must be installed as well, since the tests use modules of it that are no part of
its interface. It prints how many of those that apply pass. Which files are taken, which tests do not apply, and why some fail, is said by
the modules of `tools/upstream/`. It is no part of the suite: it takes minutes, and the tests are the tracker's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOOLS = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Copy the tests, run them, count."""
    if len(arguments) < 2 or arguments[0] not in ("mlflow", "wandb", "tensorboard"):
        print(__doc__)
        return 2
    tracker, checkout = arguments[0], Path(arguments[1])
    given = [one for one in arguments[2:] if one.startswith("tests/")]
    options = [one for one in arguments[2:] if one not in given]
    sys.path.insert(0, str(TOOLS))
    from importlib import import_module

    wanted = import_module(f"upstream.{tracker}")
    paths = given or [f"tests/{one}" for one in wanted.TESTS]
    with tempfile.TemporaryDirectory(prefix=f"anew-{tracker}-") as folder:
        # Without the package beside them: the tests are to import what is installed.
        shutil.copytree(checkout / "tests", Path(folder, "tests"))
        for one in Path(folder, "tests").rglob("conftest.py"):
            one.write_text("")  # the fixtures are ours
        Path(folder, "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
        path = os.pathsep.join([folder, str(TOOLS), *filter(None, [os.environ.get("PYTHONPATH")])])
        plugins = [
            word for name in ("counting", tracker) for word in ("-p", f"upstream.{name}")
        ]  # fmt: skip
        command = [
            sys.executable, "-m", "pytest", *plugins, "-p", "no:xdist", "-p", "no:cacheprovider", "-q", "--no-header",
            "--tb=line", "--timeout=120", *paths, *options,
        ]  # fmt: skip
        environment = {
            **os.environ, "PYTHONPATH": path, "ANEW_CAPTURE": "off", "ANEW_SYSTEM_METRICS": "0", "ANEW_CONSOLE": "off",
            "UPSTREAM": tracker,
        }  # fmt: skip
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
