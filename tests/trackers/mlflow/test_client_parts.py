"""The unmodified client sends large files in parts and fetches them in ranges, from the server or straight from the bucket, with the token that it is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from anew import Store
from anew.server.access import Access
from anew.server.callers import Grant, Role
from anew.server.identity.accounts import Accounts
from serving import place_of, place_over_a_socket

from .clients import said
from .served import GroupServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::Warning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

SIZE, PART = 450_000, 100_000
PROGRAM = """
import hashlib, json, os
from pathlib import Path
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

client = MlflowClient()
content = os.urandom(450_000)
Path("w.bin").write_bytes(content)
Path("small.txt").write_text("small")
run = client.create_run(client.create_experiment("lab/parts")).info.run_id
client.log_artifact(run, "w.bin", "model")
client.log_artifact(run, "small.txt", "model")
os.makedirs("back", exist_ok=True)
back = Path(client.download_artifacts(run, "model", "back"))
told = {"run": run, "whole": (back / "w.bin").read_bytes() == content, "small": (back / "small.txt").read_text()}
for who, call in {
    "READER": lambda: client.log_artifact(run, "w.bin", "again"),
    "STRANGER": lambda: client.download_artifacts(run, "model/w.bin", "."),
    "NOBODY": lambda: client.get_run(run),
}.items():
    os.environ["MLFLOW_TRACKING_TOKEN"] = os.environ[who]
    try:
        call()
        told[who] = "let in"
    except Exception as error:
        told[who] = str(error)
os.environ["MLFLOW_TRACKING_TOKEN"] = os.environ["READER"]
again = Path(client.download_artifacts(run, "model/w.bin", "."))
told["read"] = again.read_bytes() == content
print("SAID " + json.dumps(told))
"""
ASKED = re.compile(r'anew_requests_total\{route="mlflow-([^"]+)".*status="(\d+)"\} (\d+)')


@pytest.mark.parametrize("kind", ["folder", "group"])
def test_large_files_go_and_come_in_pieces(
    kind: str, request: pytest.FixtureRequest, root: Path, tmp_path: Path
) -> None:
    root.mkdir(exist_ok=True)
    (tmp_path / "there").mkdir()
    accounts = Accounts(str(tmp_path / "there"))
    accounts.redeem(accounts.first_link(), "ada")
    people = {
        "bob": Grant("lab/parts", Role.WRITER),
        "eve": Grant("lab/parts", Role.READER),
        "mal": Grant("other", Role.OWNER),
    }
    for name, grant in people.items():
        accounts.add_user(name, [grant])
    tokens = {name: accounts.create_token(name, Role.OWNER, user=name) for name in people}
    environment = {
        "MLFLOW_TRACKING_TOKEN": tokens["bob"], "READER": tokens["eve"], "STRANGER": tokens["mal"], "NOBODY": "anew_wrong",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(PART), "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(PART),
        "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": str(PART), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }  # fmt: skip
    group = None
    if kind == "group":
        make_database: Callable[[], str] = request.getfixturevalue("make_database")
        bucket = request.getfixturevalue("make_real_bucket")()
        group = GroupServer(root, make_database(), bucket, links=60)
        place = group.place
    else:
        place = place_of(str(root))
        environment["MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"] = "true"  # it does not ask for it
    with place_over_a_socket(place, Access("ada", identities=accounts)) as url:
        told = said(PROGRAM, f"{url}/mlflow", tmp_path, **environment)
        counted = {
            (one[1], int(one[2])): int(one[3]) for one in ASKED.finditer(place.observer.text(0))
        }
        store = group.store if group is not None else Store(str(root))
        files = {(one.prefix, one.name, one.size) for one in store[told["run"]].files}
    if group is not None:
        group.stop()
    accounts.close()
    assert (told["whole"], told["small"], told["read"]) == (True, "small", True)
    assert files == {("model", "w.bin", SIZE), ("model", "small.txt", 5)}
    assert "403" in told["READER"] or "PERMISSION_DENIED" in told["READER"]
    assert "let in" not in (told["READER"], told["STRANGER"], told["NOBODY"])
    assert counted["upload-part", 200] == 5
    assert counted["download-link", 200] == 3
    ranges = counted.get(("download", 206), 0)
    # A small file is in the database yet, and comes from the server; the large one comes from the bucket.
    assert ranges == (1 if kind == "group" else 2 * 5 + 1)
    assert ("download", 200) not in counted
