"""The tests of W&B: which of them concern a program that logs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .beneath import put_beneath

TESTS = (
    "unit_tests/test_data_types.py", "unit_tests/test_data_types_box3d.py", "unit_tests/test_wandb_config.py",
    "unit_tests/test_wandb_define_metric.py", "unit_tests/test_wandb_init.py", "unit_tests/test_wandb_log.py",
    "unit_tests/test_wandb_run.py", "unit_tests/test_wandb_save.py",     "unit_tests/test_wandb_summary.py", "unit_tests/test_mode_disabled.py", "unit_tests/test_plot.py", "unit_tests/test_tables.py",
    "unit_tests/test_torch.py", "unit_tests/test_library_public.py",
    "unit_tests/test_artifacts/test_wandb_artifacts.py", "unit_tests/test_media/test_media_logging.py", "unit_tests/test_term.py",
)  # fmt: skip
"""Those that call `wandb` and look at what comes back; the tests of its server, its command line, its settings and its own parts are none of these."""
_RECORDS = "reads the messages to W&B's own process"
_REPLACES = "replaces functions of W&B itself, or of the system below it"
_TERMINAL = "W&B's own lines and bars in a terminal"
_PARTS = "looks into W&B's own objects: private names, and how media become files of its run"
INSIDE = {
    "record_q": _RECORDS, "mocked_interface": _RECORDS, "parse_records": _RECORDS, "mocker": _REPLACES,
    "emulated_terminal": _TERMINAL, "mock_wandb_log": _TERMINAL, "artifact_file_cache": _PARTS, "consolidated": _PARTS,
    "store_file": _RECORDS,
}  # fmt: skip
SOURCE: tuple[tuple[str, str], ...] = (
    (r"mock\.patch|MagicMock|use_magic_mock|monkeypatch\.setattr\(", _REPLACES),
    (r"_dtypes|_ForeignKeyType|_PrimaryKeyType|\]\._table|use_helper=True", "W&B's own types of columns"),
    (r"wandb_run\.Run\(|sweep_config=", "makes a run without init, as only W&B itself does"),
    (r"multipart_download\(|base_url=", "requests to W&B's server, and its addresses"),
    (r"WandbStoragePolicy|StoragePolicy|ArtifactManifestV1|artifact_instance_cache|_factories|StepPrepare", "W&B's own storage of artifacts"),
    (r"bind_to_run|to_json\(|create_summary_and_mock|from_json\(|\w\._(?!step\b|timestamp\b)[a-z]\w*", _PARTS),
)  # fmt: skip
"""Which tests do not apply by what they call."""
APART: tuple[tuple[str, str], ...] = (
    (r"_dtypes|dtype|typing", "W&B's own types of columns"),
    (r"terminput", _TERMINAL),
    (
        r"test_library_public|test_new_attributes",
        "its lists of names, which the dialect has more of",
    ),
)
"""Which tests do not apply by their names."""
KNOWN: dict[str, str] = {
    "test_html_styles": "a page is kept as it is: no style sheet of W&B's server is put into it",
    "test_makedirs_raises_oserror": "where runs lie is not for dir= to say",
    "test_save_bytes_glob": "a saved file is not put into run.dir as well",
    "test_load_empty_config_default": "in other words",
    "test_table_logging_mode_incremental_operations": "in other words",
    "test_save_file_in_run_dir": "the folder is there when a program asks for it",
    "test_mode_disabled": "run.native, which W&B has not, can be called",
    "from_invalid_smiles": "molecules are files: RDKit is not asked",
    "from_rdkit": "molecules are files: RDKit is not asked",
}
"""Which tests fail, and why."""

_ASSETS = Path("tests/assets").resolve()
_MODULES = (
    "wandb", "wandb.sdk.data_types._dtypes", "wandb.sdk.data_types.utils", "wandb.sdk.data_types.base_types.media", "wandb.sdk.wandb_settings",
    "wandb.proto.wandb_internal_pb2", "wandb.apis.public", "wandb.sdk.lib.run_moment", "wandb.sdk.lib.runid", "wandb.sdk.data_types.table",
    "wandb.integration.torch.wandb_torch", "wandb.sdk.launch.sweeps", "wandb.sdk.lib.service.service_connection",
    "wandb.sdk.artifacts._validators", "wandb.sdk.artifacts.artifact_file_cache", "wandb.sdk.artifacts.artifact_instance_cache",
    "wandb.sdk.artifacts.artifact_manifest_entry", "wandb.sdk.artifacts.artifact", "wandb.errors.term", "wandb.sdk.data_types.helper_types.classes",
    "wandb.sdk.artifacts.artifact_ttl", "wandb.sdk.artifacts.staging", "wandb.sdk.artifacts.storage_handlers.gcs_handler",
    "wandb.sdk.artifacts.storage_handlers.s3_handler", "wandb.sdk.artifacts.storage_policies.wandb_storage_policy", "wandb.util",
    "wandb.sdk.artifacts.artifact_state", "wandb.sdk.artifacts.artifact_manifests.artifact_manifest_v1",
    "wandb.sdk.artifacts.storage_layout", "wandb.sdk.lib.hashutil", "wandb.sdk.lib.filesystem", "wandb.sdk.artifacts.exceptions", "wandb.sdk.lib.paths",
    "wandb.sdk.data_types.image", "wandb.sdk.data_types.object_3d", "wandb.sdk.wandb_run", "wandb.plot.confusion_matrix", "wandb.plot.line_series",
    "wandb.plot.pr_curve", "wandb.plot.roc_curve", "wandb.env", "wandb.errors.errors",
)  # fmt: skip


def pytest_configure(config: object) -> None:
    """Put the dialect in the place of W&B."""
    put_beneath("wandb", _MODULES, ("bokeh.plotting", "rdkit.Chem", "wandb.filesync.step_prepare"))


@pytest.fixture(autouse=True)
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test in a folder of its own, without a run."""
    import wandb

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANEW_ROOT", str(tmp_path / "store"))
    before = {key: value for key, value in os.environ.items() if key.startswith("WANDB_")}
    yield
    wandb.teardown()
    for key in [key for key in os.environ if key.startswith("WANDB_")]:
        if key not in before:
            del os.environ[key]


@pytest.fixture
def test_settings() -> Callable[..., Any]:
    """Settings as W&B's tests make them."""

    def made(extra: Any = None) -> Any:
        import wandb

        if isinstance(extra, wandb.Settings):
            return extra
        given = dict(extra or {})
        return wandb.Settings(**{"console": "off", "save_code": False, **given})

    return made


@pytest.fixture
def mock_run(test_settings: Callable[..., Any]) -> Callable[..., Any]:
    """A run that records where the test is."""

    def made(use_magic_mock: bool = False, **options: Any) -> Any:
        import wandb

        settings = options.pop("settings", {})
        return wandb.init(mode="offline", settings=test_settings(settings), **options)

    return made


@pytest.fixture(scope="session")
def assets_path() -> Callable[[str], Path]:
    """What comes with the tests."""
    return lambda path: _ASSETS / path


@pytest.fixture
def copy_asset(assets_path: Callable[[str], Path]) -> Callable[..., Any]:
    """A copy of it."""

    def copied(path: str, to: str | None = None) -> Any:
        source = assets_path(path)
        return (shutil.copy if source.is_file() else shutil.copytree)(source, to or path)

    return copied


@pytest.fixture
def patch_max_cli_version() -> None:
    """Nothing is asked of a server."""


@pytest.fixture
def example_file(tmp_path: Path) -> Path:
    """A file."""
    made = tmp_path / "test.txt"
    made.write_text("hello")
    return made


@pytest.fixture
def example_files(tmp_path: Path) -> Path:
    """A folder of files."""
    made = tmp_path / "artifacts"
    made.mkdir()
    for number in range(3):
        (made / f"artifact_{number}.txt").write_text(f"file-{number}")
    return made


@pytest.fixture
def api() -> Any:
    """What reads."""
    import wandb

    return wandb.Api()
