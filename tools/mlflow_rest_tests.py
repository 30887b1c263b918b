"""Run MLflow's own REST tests of tracking and of the registry of models against an Anew server.

    python tools/mlflow_rest_tests.py PATH_OF_AN_MLFLOW_CHECKOUT [arguments of pytest]

The tests come from the checkout, MLflow itself is the one that is installed. It prints how many of those that apply pass. Those that do not apply, and why,
are in `APART`; those that are known to fail, and why, in `KNOWN`. It is no part of the suite: it takes minutes, and the tests are MLflow's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

TESTS = ("tests/tracking/test_rest_tracking.py", "tests/tracking/test_model_registry.py")
APART: tuple[tuple[str, str], ...] = (
    (r"graphql", "GraphQL of MLflow's own page"),
    (r"trace|spans_via_otel|assessments", "traces of calls of language models"),
    (r"secret|endpoint|gateway|list_providers|list_models|provider_config|model_definition", "the gateway to language models"),
    (r"issue", "issues found in traces"),
    (r"scorer|scoring", "scorers of language models"),
    (r"evaluation_dataset|dataset_experiment_association|_(add|remove)_\w*experiments|add_dataset_to|remove_dataset_from|add_multiple", "data sets for the evaluation of language models"),
    (r"promptlab|upload_artifact_handler", "runs and uploads of MLflow's own page"),
    (r"history_bulk_(re|calls)|history_respects|history_with_page|list_logged_model_artifacts|logged_model_artifact", "the paths of MLflow's own page (`ajax-api`)"),
    (r"validation_regex|with_file_uri|local_artifact_uri", "settings and stores of MLflow's own server"),
    (r"search_dataset_handler", "the list of data sets in MLflow's own page"),
    (r"suppress_url|log_url_includes", "what the client prints, without a server"),
    (r"calls_optimized_impl", "looks into MLflow's own server"),
    (r"\[file", "skipped by MLflow itself: its file store"),
)  # fmt: skip
"""Which tests do not apply, and what they are about."""
_PLACE = "where artifacts lie is not for a client to say"
_LINE = "the command line, which it runs in its own process, made the experiment in another store"
KNOWN: dict[str, str] = {
    "test_create_get_search_experiment": _PLACE,
    "test_artifacts": _PLACE,
    "test_create_model_version_with_path_source": _PLACE,
    "test_update_model_version_flow": "a change of a version is a change of its model",
    "test_path_validation": "it ends with a path of MLflow's own page",
    "test_delete_restore_experiment_cli": _LINE,
    "test_rename_experiment_cli": _LINE,
}
"""Which tests fail, and why."""


def main(arguments: list[str]) -> int:
    """Copy the tests, run them, count."""
    checkout = Path(arguments[0])
    with tempfile.TemporaryDirectory(prefix="anew-mlflow-") as folder:
        # Without the package beside them: the tests are to import the MLflow that is installed.
        shutil.copytree(checkout / "tests", Path(folder, "tests"))
        Path(folder, "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
        tool = str(Path(__file__).resolve().parent)
        path = os.pathsep.join([folder, tool, *filter(None, [os.environ.get("PYTHONPATH")])])
        command = [sys.executable, "-m", "pytest", "-p", Path(__file__).stem, "-p", "no:xdist", "-q", "--no-header", *(arguments[1:] or TESTS)]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": path, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


# -- what follows is loaded by pytest, as a plugin, in a process of its own ------------------------


def why_apart(name: str) -> str | None:
    """Why a test does not apply; None for one that does."""
    return next((why for pattern, why in APART if re.search(pattern, name)), None)


def pytest_configure(config: Any) -> None:
    """Let the tests start our server instead of theirs."""
    from tests.tracking import integration_test_utils

    integration_test_utils.ServerThread = Served
    config.stash[COUNTS] = Counter()


class Served(threading.Thread):
    """A new folder, served on a port, in place of MLflow's server; takes its arguments, and uses the port alone."""

    def __init__(self, app: Any, port: int) -> None:
        super().__init__(daemon=True)
        import uvicorn

        from anew.reading.local.opening import open_folder
        from anew.server.access import Access
        from anew.server.app import make_app
        from anew.server.intake.folder import FolderIntake
        from anew.server.place import Place

        self._folder = tempfile.TemporaryDirectory(
            prefix="anew-mlflow-root-", ignore_cleanup_errors=True
        )
        opened = open_folder(self._folder.name)
        self._place = Place(
            opened.backend, opened.upkeep, opened.close, FolderIntake(opened.root), opened.within
        )
        ours = make_app(self._place, Access("tester"))
        config = uvicorn.Config(ours, host="127.0.0.1", port=port, log_level="error", ws="none")
        self._server = uvicorn.Server(config)
        self._url = f"http://127.0.0.1:{port}/mlflow"

    def run(self) -> None:
        """Serve."""
        self._server.run()

    def __enter__(self) -> str:
        self.start()
        while not self._server.started:
            time.sleep(0.01)
        return self._url

    def __exit__(self, *error: object) -> None:
        self._server.should_exit = True
        self.join(10)
        self._place.close()
        self._folder.cleanup()


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out what does not apply."""
    apart = [one for one in items if why_apart(one.name)]
    for one in apart:
        config.stash[COUNTS][f"apart: {why_apart(one.name)}"] += 1
    config.hook.pytest_deselected(items=apart)
    items[:] = [one for one in items if not why_apart(one.name)]


def pytest_runtest_logreport(report: Any) -> None:
    """Count."""
    if report.when == "call" or report.failed or report.skipped:
        _outcomes[report.nodeid] = (
            report.outcome if _outcomes.get(report.nodeid) != "failed" else "failed"
        )


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Say what was found."""
    say = terminalreporter.write_line
    say("")
    for what, count in sorted(config.stash[COUNTS].items()):
        say(f"{count:4} {what}")
    ran = {name: how for name, how in _outcomes.items() if how != "skipped"}
    for name, how in sorted(ran.items()):
        if how == "failed":
            test = name.rpartition("::")[2]
            say(f"failed: {test}: {KNOWN.get(test.partition('[')[0], 'not explained')}")
    passed = sum(how == "passed" for how in ran.values())
    share = 100 * passed / len(ran) if ran else 0.0
    say(f"{passed} of {len(ran)} that apply pass: {share:.1f} %")


_outcomes: dict[str, str] = {}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
else:
    import pytest

    COUNTS = pytest.StashKey[Counter[str]]()
