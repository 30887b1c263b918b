"""`anew reports`."""

from __future__ import annotations

REF = "alice/vision/sweep/run-0"


def test_reports_are_saved_from_files_shown_listed_and_written(change, tmp_path):
    file = tmp_path / "paper.md"
    text = f"# What we found\n\n```anew\nfigure: val/loss\nexperiments: [{REF}]\n```\n"
    file.write_text(text)
    project = ("--project", "alice/vision")
    assert change("reports", "save", "paper", file, *project).code == 0
    assert change("reports", "show", "paper", *project).out == text
    assert change("reports", "show", "paper").code == 3
    assert change("reports", "save", "paper", "-", *project, input="# Anew\n").code == 0
    history = change("reports", "show", "paper", *project, "--history", "--json").json["report"]
    assert (history["title"], [one["title"] for one in history["earlier"]]) == ("Anew", ["What we found"])  # fmt: skip
    assert len(change("reports", "show", "paper", *project, "--history").lines) == 3
    assert change("reports", "show", "paper", *project, "--version", "1").out == text
    assert change("reports", "show", "paper", *project, "--version", "3").code == 3
    (only,) = change("reports", "--json").json["reports"]
    assert (only["name"], only["project"], only["title"]) == ("paper", "alice/vision", "Anew")
    assert change("reports", "list", "--project", "bob", "-q").out == ""
    target = tmp_path / "out" / "paper.html"
    written = change("reports", "export", "paper", target, *project, "--version", "1", "--json")
    assert written.json == {"written": str(target), "bytes": target.stat().st_size, "problems": []}
    assert "data:image/svg+xml" in target.read_text()
    assert change("reports", "export", "paper", tmp_path / "paper.doc", *project).code == 2
    assert change("reports", "remove", "paper", *project).code == 0
    assert change("reports", "--json").json["reports"] == []
