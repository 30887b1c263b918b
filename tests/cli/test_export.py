import zipfile

import pytest

REF = "alice/vision/sweep/run-0"


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_tables_are_written_to_a_folder(run, tmp_path, kind):
    outcome = run("export", "--all", "--to", tmp_path / "tables", "--format", kind)
    assert outcome.code == 0
    names = {path.name for path in (tmp_path / "tables").iterdir()}
    assert {f"experiments.{kind}", f"points.{kind}"} <= names
    assert all((tmp_path / "tables" / name).stat().st_size for name in names)


def test_a_zip_holds_the_folder_as_it_is(run, tmp_path):
    outcome = run("export", REF, "--to", tmp_path / "one.zip", "--json")
    assert outcome.json == {"written": [str(tmp_path / "one.zip")]}
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        assert f"{REF}/metadata.json" in archive.namelist()


def test_exporting_nothing_is_no_success(run, tmp_path):
    assert run("export", "--to", tmp_path / "x").code == 2
    assert run("export", "-f", "params.lr > 100", "--to", tmp_path / "x").code == 3
    assert not (tmp_path / "x").exists()


def test_nothing_is_overwritten(run, tmp_path):
    (tmp_path / "one.zip").write_text("mine")
    assert run("export", REF, "--to", tmp_path / "one.zip").code == 5
    assert (tmp_path / "one.zip").read_text() == "mine"


def test_a_filter_and_names_together_choose_what_is_in_an_html_file(run, tmp_path):
    target = tmp_path / "new" / "sweep.html"
    outcome = run("export", "-f", "'sweep' in tags", "bob/nlp/diverged", "--to", target, "--json")
    assert outcome.code == 0
    assert len(outcome.json["experiments"]) == 4
    assert outcome.json["bytes"] == target.stat().st_size
    assert "alice/vision/sweep/run-1" in target.read_text()
    assert run("export", REF, "--to", target, "-q").lines == [str(target)]


def test_what_is_of_an_html_file_is_refused_elsewhere(run, tmp_path):
    assert run("export", REF, "--to", tmp_path / "one.zip", "--title", "x").code == 2
    assert run("export", REF, "--to", tmp_path / "one.zip", "--format", "html").code == 2
    assert run("export", REF, "--to", tmp_path / "one.html", "--format", "csv").code == 2
    assert run("export", "-f", "name == 'nobody'", "--to", tmp_path / "r.html").code == 3
    assert list(tmp_path.iterdir()) == []
