"""A program for the real client of ml-dash, run in an environment of its own: everything that its client asks of a server.

Called as `program.py URL`; it prints what it read back as JSON. `record.py` keeps its requests for the tests that do without the client.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ml_dash import Experiment  # type: ignore[import-not-found]  # the client's own environment has it

PREFIX = "alice/vision/deep/resnet 50%"


def main(url: str) -> None:
    found: dict[str, object] = {}
    Path("model.pth").write_bytes(b"weights" * 100)
    with Experiment(prefix=PREFIX, dash_url=url, dash_root=None, readme="a run", tags=["base", "v2"], bindrs=["gpu-1"], metadata={"sweep": 7}).run as exp:  # fmt: skip
        exp.log("Training started", level="info", epoch=1)
        exp.logs.warn("careful")
        exp.logs.fatal("bad")
        exp.params.set(learning_rate=0.001, model={"depth": 3})
        for epoch in range(5):
            exp.metrics("train/a b%").log(loss=1 / (epoch + 1), epoch=epoch, note="x")
            exp.metrics("eval", description="the test set", tags=["x"]).log(
                acc=epoch, step=epoch * 10
            )
        exp.metrics("odd?name").log(v=1.0)
        exp.metrics.log(epoch=1, both={"loss": 0.5})
        exp.files("models/deep x").upload(
            "model.pth", description="m", tags=["a"], metadata={"z": 1}
        )
        exp.files("configs").save_json({"a": 1}, to="c.json")
        exp.tracks("robot/position").append(q=[0.1, 0.2], x=1.5, pose={"yaw": 0.5}, _ts=2.0)
        exp.tracks("robot/position").append(e=[0.5], _ts=2.0)
        exp.tracks("robot/position").append(x=2.5, _ts=3.0)
        exp.flush()
        found["params"] = exp.params.get()
        page = exp.metrics("train/a b%").read_rows()
        found["rows"] = [dict(zip([c.name for c in b.columns], r, strict=True)) for b in page.blocks for r in b.rows]  # fmt: skip
        found["blocks"] = sum(len(b.rows) for b in exp.metrics("eval").iter_row_blocks(limit=2))
        found["stats"] = exp.metrics("eval").stats()["totalDataPoints"]
        found["metrics"] = [one["name"] for one in exp.metrics("x").list_all()]
        found["listed"] = [one["name"] for one in exp.files("models").list("*.pth")]
        got = exp.files("models/deep x/model.pth").download(to="got.pth")
        found["same"] = Path(got).read_bytes() == Path("model.pth").read_bytes()
        found["text"] = json.loads(exp.files("configs/c.json").read_text())
        found["existed"] = exp.files("configs/c.json").exists()
        exp.files("configs/c.json").delete()
        found["exists"] = exp.files("configs/c.json").exists()
        found["track"] = exp.tracks("robot/position").read()["entries"]
        found["lines"] = len(exp.tracks("robot/position").read(format="jsonl").splitlines())
        client, id_ = exp._client, exp._experiment_id
        client.create_track(id_, "camera/rgb", description="front", metadata={"fps": 30})
        client.append_to_track(id_, "camera/rgb", 1.0, {"width": 640})
        client.append_to_metric(id_, "eval", {"acc": 50, "step": 50, "_ts": 1_700_000_000.5})
        found["tracks"] = [one["topic"] for one in client.list_tracks(id_, "robot/*")]
        found["slice"] = exp.tracks("robot/position").slice(0, 2.5).findByTime(2.2)["x"]
        found["logs"] = [one["message"] for one in client.query_logs(id_, level=["warn"], limit=5, order="desc", search="care")["logs"]]  # fmt: skip
        (file,) = exp.files("models").list()
        found["updated"] = client.update_file(id_, file["id"], description="new", tags=["q"])[
            "description"
        ]
        client.download_file_streaming(id_, file["id"], "streamed.pth")
        found["projects"] = [
            one["slug"] for one in client.list_projects_graphql("alice")["projects"]
        ]
        found["experiments"] = client.list_experiments_graphql(
            "vision", status="RUNNING", namespace_slug="alice"
        )["totalCount"]
        found["by name"] = client.get_experiment_graphql("vision", "resnet 50%")["parameters"][
            "data"
        ]
        found["by path"] = client.get_experiment_by_path_graphql("vision", "deep/resnet 50%")[
            "status"
        ]
        found["searched"] = client.search_experiments_graphql("al*/vis*/*")["totalCount"]
        found["user"] = client.get_current_user()["username"]
    try:
        with Experiment(prefix=PREFIX, dash_url=url, dash_root=None).run as exp:
            exp.metrics("eval").log(acc=99, step=99)
            found["resumed"] = exp.params.get()
            raise ValueError("boom")
    except ValueError:
        pass
    other = Experiment(prefix="alice/vision/other", dash_url=url, dash_root=None)
    other.run.start()
    other.log("hi")
    other.run.cancel()
    # A second client knows nothing by heart, and asks where the experiment lies before it sends a file.
    with Experiment(prefix=PREFIX, dash_url=url, dash_root=None).run as exp:
        exp._client._id_cache.clear()
        exp.files("deep/models").upload("model.pth")
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
