from anew.cli.table import Column, cut, fitted


def table():
    return [
        Column("ID", ["abcdefghijkl"]),
        Column("NAME", ["alice/vision/a-long-name-at-the-end"], least=12, path=True),
        Column("LOSS", ["0.5"], True, weight=2),
        Column("NOTES", ["x" * 30], weight=5),
    ]


def test_a_wide_terminal_shows_everything_whole():
    shown, widths, dropped = fitted(table(), 200)
    assert (len(shown), widths, dropped) == (4, [12, 35, 4, 30], [])


def test_a_narrow_terminal_cuts_names_then_leaves_out_what_matters_least():
    shown, widths, dropped = fitted(table(), 40)
    assert [column.title for column in shown] == ["ID", "NAME", "LOSS"]
    assert dropped == ["NOTES"]
    assert sum(widths) + 2 * 2 <= 40
    assert widths[0] == 12


def test_ids_are_whole_however_narrow_it_is():
    shown, widths, _ = fitted(table(), 10)
    assert (shown[0].title, widths[0]) == ("ID", 12)


def test_a_long_title_does_not_keep_its_column_wide():
    _, widths, _ = fitted([Column("a/metric/with/a/very/long/name/indeed", ["0.5"], True)], 80)
    assert widths == [24]


def test_paths_are_cut_at_the_front_and_texts_at_the_end():
    assert cut("alice/vision/run-1", 6, front=True) == "…run-1"
    assert cut("alice", 3, front=False) == "al…"
    assert cut("実験室", 5, front=False) == "実験…"
