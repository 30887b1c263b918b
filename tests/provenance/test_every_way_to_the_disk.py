"""Credentials planted on every way to the disk: none is in any file below the root when all is done."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from anew import Store
from anew.errors import InvalidName

PROGRAM = """\
import json, sys, logging
from anew import Experiment
from anew.values import Text

planted = json.load(open("planted.json"))
P = lambda road: planted[road]
exp = Experiment(
    "lab/roads", console="on", system_metrics=0,
    config={"db": {"password": P("config")}, P("config key"): 1, "url": f"https://u:{P('config url')}@h/x"},
    params={"api_key": P("params"), "dsn": f"host=h password={P('params text')}"},
    tags={"token": P("tag value"), f"key={P('tag name token')}": None}, bindrs=[f"team-{P('bindr')}"],
    description=f"password: {P('description')}", notes=f"with key={P('notes token')}",
)
with exp:
    exp.params.set({"wandb_key": P("params later"), "headers": [["X-Api-Key", P("params pair")]]})
    exp.add_tags({"auth_token": P("tag later"), f"secret={P('tag text')}": None})
    exp.set_notes(f"api_key={P('notes later')}")
    exp.set_name(f"run password={P('name')}")
    exp.log(f"login with password={P('message')}", secret=P("field"), text=f"token={P('field text')}")
    exp.log_metric(f"loss/{P('metric token')}", 1.0, 0)
    exp.log_metric(f"loss/{P('metric token')}", 2.0, 1)
    exp.log_metrics({"acc": 1.0}, 0, metadata={"api_key": P("point metadata"), "note": f"pwd={P('point text')}"})
    exp.log_value("sample", Text(f"password={P('value')}"), 0)
    exp.log_value("long", Text(f"password={P('long value')} " + "x" * 100_000), 0)
    exp.log_value(f"v {P('value name token')}", Text("x", caption=f"api_key={P('caption')}"), 0)
    exp.files("m").save(b"x", "a.bin", metadata={"password": P("file metadata")})
    exp.capture("site", {"password": P("capture"), "line": f"api_key={P('capture text')}"})
    print(f"password={P('console')}")
    print("-----BEGIN RSA PRIVATE KEY-----"); print(P("console key")); print("-----END RSA PRIVATE KEY-----")
    print(f"api_key: {P('stderr')}", file=sys.stderr)
    logging.warning("connecting with password=%s", P("logging"))
    raise RuntimeError(f"cannot connect: host=h password={P('exception')} port=1")
"""

ROADS = (
    "config", "config key", "config url", "params", "params text", "tag value", "tag name token", "bindr", "description",
    "notes token", "params later", "params pair", "tag later", "tag text", "notes later", "name", "message", "field",
    "field text", "metric token", "point metadata", "point text", "value", "long value", "value name token", "caption",
    "file metadata", "capture", "capture text", "console", "console key", "stderr", "logging", "exception", "argument",
    "argument pair", "argument header", "argument hydra", "variable", "variable text", "patch", "patch second",
    "patch environ", "patch yaml", "untracked", "dotenv", "remote", "branch token", "edit tag", "edit note", "edit capture",
    "document", "weights message", "weights metadata", "outside output", "outside argument",
)  # fmt: skip


def planted() -> dict[str, str]:
    """A credential for each road: of a known form where no name tells what it is."""
    found = {}
    for number, road in enumerate(ROADS):
        known = road.endswith("token") or road in ("bindr", "config key")
        found[road] = f"ghp_{number:03d}" + "Zz9" * 12 if known else f"planted{number:03d}zz"
    return found


def leaks(root: Path, secrets: dict[str, str]) -> dict[str, str]:
    """The roads of which a secret is on the disk, each with the file it is in."""
    found = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file() and p.name != "planted.json"):
        data = path.read_bytes()
        found |= {
            road: str(path.relative_to(root))
            for road, secret in secrets.items()
            if secret.encode() in data
        }
        found |= {
            road: f"the name {path.name}" for road, secret in secrets.items() if secret in str(path)
        }
    return found


def test_no_secret_reaches_the_disk_on_any_way(project, tmp_path):
    secrets = planted()
    project.write(".gitignore", "planted.json\n")
    project.write("conf.yaml", "a: 1\n")
    project.commit(train=PROGRAM)
    project.git("checkout", "--quiet", "-b", f"try-{secrets['branch token']}")
    project.git("remote", "add", "origin", f"https://bob:{secrets['remote']}@example.org/lab.git")
    project.write("planted.json", json.dumps(secrets))
    project.write(
        "train.py",
        PROGRAM
        + f'CFG = {{"host": "h", "password": "{secrets["patch"]}", "secret": "{secrets["patch second"]}"}}\n'
        + f'import os; os.environ["API_KEY"] = "{secrets["patch environ"]}"\n',
    )
    project.write("conf.yaml", f"a: 1\ndb: {{user: bob, password: {secrets['patch yaml']}}}\n")
    project.write("new.py", f'login(api_key="{secrets["untracked"]}")\n')
    project.write(".env", f"API_KEY={secrets['dotenv']}\n")
    project.run(
        "train.py", "--password", secrets["argument"], f"--api-key={secrets['argument pair']}", "-H",
        f"X-Api-Key: {secrets['argument header']}", f"+db.password={secrets['argument hydra']}",
        ANEW_CAPTURE_VARIABLES="MY_*", MY_PASSWORD=secrets["variable"], MY_DSN=f"host=h password={secrets['variable text']}",
        check=False,
    )  # fmt: skip
    with Store(project.root) as store:
        (view,) = store.list()
        store.tag(view.id, {"api_key": secrets["edit tag"]})
        store.note(view.id, f"password: {secrets['edit note']}")
        store.capture(view.id, "later", {"api_key": secrets["edit capture"]})
        store.set_document("view", "mine", {"text": f"password={secrets['document']}"})
        assert view.metrics
        assert view.status == "failed"
    weights = pytest.importorskip("anew.weights")
    repository = weights.Repository(project.root / "weights", init=True)
    import numpy as np

    repository.stage_weights({"w": np.zeros(3)})
    repository.commit(
        f"password={secrets['weights message']}", metadata={"api_key": secrets["weights metadata"]}
    )
    project.anew(
        "run", "--prefix", "lab/outside", "--", sys.executable, "-c",
        f"print('password={secrets['outside output']}')", "--token", secrets["outside argument"],
    )  # fmt: skip
    with Store(project.root) as store:
        assert len(store) == 2
    assert len([p for p in project.root.rglob("*") if p.is_file()]) > 20
    assert leaks(project.root, secrets) == {}


def test_a_prefix_with_a_credential_is_refused(tmp_path):
    from anew import Experiment

    with pytest.raises(InvalidName) as refused:
        Experiment("lab/x/ghp_" + "a1B2" * 9, root=tmp_path, quiet=True).run.start()
    assert "a1B2" not in str(refused.value)
    assert not list(tmp_path.rglob("*"))
