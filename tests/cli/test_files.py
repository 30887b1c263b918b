REF = "alice/vision/sweep/run-0"


def test_files_are_listed_with_size_and_step(run):
    outcome = run("files", REF)
    assert outcome.code == 0
    (row,) = [line.split() for line in outcome.lines if "model.bin" in line]
    assert row[:4] == ["models/model.bin", "700", "B", "19"]


def test_a_pattern_chooses_by_name_or_place(run):
    for pattern in ("*.bin", "models/*", "model.bin"):
        assert [one["name"] for one in run("files", REF, pattern, "--json").json["files"]] == [
            "model.bin"
        ]


def test_a_pattern_that_nothing_fits_is_not_found(run):
    assert run("files", REF, "*.pt").code == 3


def test_copies_are_saved_where_they_lay(run, tmp_path):
    outcome = run("files", REF, "--save", tmp_path / "copies")
    assert outcome.code == 0
    assert (tmp_path / "copies/models/model.bin").read_bytes() == b"weights" * 100
    assert (tmp_path / "copies/notes.txt").read_text() == "hello\n"
    assert len(outcome.lines) == 2


def test_the_content_of_one_file_can_be_printed(run):
    assert run("files", REF, "notes.txt", "--cat").out == "hello\n"
    assert run("files", REF, "--cat").code == 2


def test_a_file_that_changed_on_disk_is_not_passed_on(change, store_root, tmp_path):
    (path,) = (store_root / REF).rglob("model.bin")
    path.chmod(0o644)
    path.write_bytes(b"tampered" * 100)
    outcome = change("files", REF, "model.bin", "--save", tmp_path / "copies")
    assert outcome.code == 6
    assert "doctor" in outcome.err


def test_an_experiment_without_files_says_so(run):
    assert run("files", "bob/nlp/broken").err.endswith("has saved no files.\n")


def test_every_save_of_a_name_comes_out(change, store_root, tmp_path):
    from .conftest import recorded

    with recorded(store_root, "alice/many/saves") as exp:
        for step in range(3):
            exp.files().save_text(f"at {step}", "note.txt", step=step)
    outcome = change("files", "alice/many/saves", "--save", tmp_path / "copies")
    assert outcome.code == 0
    texts = {path.read_text() for path in (tmp_path / "copies").iterdir()}
    assert texts == {"at 0", "at 1", "at 2"}
    assert (tmp_path / "copies" / "note.txt").read_text() == "at 2"
    assert change("files", "alice/many/saves", "note.txt", "--cat").out == "at 2"


def test_nothing_is_overwritten_unless_asked_for(run, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    outcome = run("files", REF, "--save", tmp_path)
    assert outcome.code == 5
    assert "--overwrite" in outcome.err
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "models").exists()
    assert run("files", REF, "--save", tmp_path, "--overwrite").code == 0
    assert (tmp_path / "notes.txt").read_text() == "hello\n"
