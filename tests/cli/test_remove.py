REF = "alice/vision/sweep/run-0"


def test_deleting_needs_a_yes(change, store_root):
    outcome = change("delete", REF)
    assert outcome.code == 5
    assert "--yes" in outcome.err
    assert (store_root / REF).is_dir()


def test_what_was_deleted_can_be_restored(change, store_root):
    outcome = change("delete", REF, "--yes", "--json")
    assert outcome.json["deleted"] == 1
    (deleted,) = outcome.json["ids"]
    assert not (store_root / REF).exists()
    assert change("show", REF).code == 3
    (row,) = change("restore", "--list", "--json").json["trash"]
    assert (row["id"], row["prefix"]) == (deleted, REF)
    assert change("restore", deleted[:6]).code == 0
    assert (store_root / REF).is_dir()
    assert change("show", REF).code == 0
    assert change("restore", "--list").err == "The trash is empty.\n"


def test_a_filter_deletes_all_that_fit(change):
    assert change("delete", "-f", "'sweep' in tags", "-y").code == 0
    assert change("list", "--json").json["total"] == 3


def test_deleting_nothing_is_no_success(change):
    assert change("delete", "-f", "params.lr > 100", "--yes").code == 3
    assert change("delete", "--yes").code == 2
    assert change("delete", "nope-nope", "--yes").code == 3


def test_one_unknown_name_deletes_nobody(change):
    assert change("delete", REF, "nope-nope", "--yes").code == 3
    assert change("show", REF).code == 0


def test_permanently_leaves_nothing_in_the_trash(change):
    assert change("delete", REF, "--permanently", "--yes").code == 0
    assert change("restore", "--list", "--json").json == {"trash": []}


def test_a_running_experiment_is_refused(change, store_root):
    from .conftest import recorded

    with recorded(store_root, "still/at/it"):
        outcome = change("delete", "still/at/it", "--yes")
        assert outcome.code == 5
        assert (store_root / "still/at/it").is_dir()


def test_restoring_what_is_not_in_the_trash_is_not_found(change):
    assert change("restore", "nope-nope").code == 3
    assert change("restore").code == 2


def test_collecting_garbage_needs_a_yes_and_says_what_it_freed(change):
    change("delete", REF, "--yes")
    would = change("gc", "--dry-run", "--json").json["bytes"]
    assert would > 0
    assert change("gc").code == 5
    assert change("gc", "--yes", "--json").json == {"bytes": would, "dry_run": False}
    assert change("restore", "--list", "--json").json == {"trash": []}


def test_young_trash_is_kept_when_only_old_is_meant(change):
    change("delete", REF, "--yes")
    change("gc", "--older-than", "7d", "--yes")
    assert len(change("restore", "--list", "-q").lines) == 1


def test_deleting_and_restoring_are_shown_first_and_taken_back(change):
    sweep = "'sweep' in prefix"
    ids = sorted(change("list", sweep, "-q").lines)
    would = change("delete", "-f", sweep, "--dry-run", "--json").json
    assert would["dry_run"]
    assert sorted(one["id"] for one in would["changed"]) == ids
    assert sorted(change("list", sweep, "-q").lines) == ids
    change("delete", "-f", sweep, "--yes")
    assert change("undo", "--dry-run", "--json").json["command"] == "delete"
    assert change("undo").code == 0
    assert sorted(change("list", sweep, "-q").lines) == ids
    change("delete", "-f", sweep, "--yes")
    for filter in (f"prefix == '{REF}'", "name =~ 'run-0' and project == 'vision'"):
        would = change("restore", "-f", filter, "--dry-run", "--json").json["changed"]
        assert [one["prefix"] for one in would] == [REF]
        assert len(change("restore", "--list", "-f", filter, "-q").lines) == 1
    assert change("show", REF).code == 3
    recent = "deleted_at > '1h' and owner in ('alice') and not 'run-0' in prefix"
    assert len(change("restore", "-f", recent, "-q").lines) == len(ids) - 1
    assert change("undo", "--json").json["command"] == "restore"
    assert len(change("restore", "--list", "-q").lines) == len(ids)
    assert change("restore", "-f", "deleted_at < '1h'").code == 3
    assert change("restore", "-f", "params.lr > 1").code == 2
    assert change("restore", REF, "-f", recent).code == 2


def test_what_was_removed_for_good_is_not_taken_back(change):
    change("delete", REF, "--yes")
    change("gc", "--yes")
    assert change("undo").code == 3
