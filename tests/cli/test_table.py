from hypothesis import given
from hypothesis import strategies as st

from anew.cli.table import Column, cut, fitted, folded, name_cutter, width_of


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


def test_names_are_cut_in_what_they_share_and_stay_apart():
    names = [f"alice/imagenet/a-sweep-of-many/learning-rate-{i}" for i in range(3)]
    shorten = name_cutter([*names, "bob/nlp/x"])
    assert shorten(names[1], 32) == "alice/…/learning-rate-1"
    assert shorten(names[1], 20) == "…/learning-rate-1"
    assert shorten(names[1], 12) == "…1"
    alone = name_cutter(["alice/vision/the-only-one-of-its-kind", "bob/x"])
    assert alone("alice/vision/the-only-one-of-its-kind", 16) == "the-o…f-its-kind"


@given(
    names=st.lists(st.text("ab/実-", min_size=1, max_size=30), min_size=1), width=st.integers(2, 30)
)
def test_a_name_is_never_wider_than_its_column(names, width):
    shorten = name_cutter(names)
    column = Column("NAME", names, shorten=shorten)
    assert all(width_of(column.cell(row, width)) <= width for row in range(len(names)))


def test_what_all_rows_share_is_one_line_above():
    names = ["lab/sweep/a", "lab/sweep/b"]
    columns = [
        Column("ID", ["1", "2"]),
        Column("NAME", names, shorten=name_cutter(names)),
        Column("STATUS", ["done", "done"], folds=""),
        Column("lr", ["0.1", "0.2"], folds="lr="),
        Column("width", ["64", "64"], folds="width="),
        Column("kept", ["same", "same"]),
    ]
    above, kept = folded(columns, 80)
    assert above == "lab/sweep/ · done · width=64"
    assert [column.title for column in kept] == ["ID", "NAME", "lr", "kept"]
    assert kept[1].cells == ["a", "b"]
    assert folded(columns, 20)[0] == "lab/sweep/ · +2"
    one = [
        Column("NAME", ["lab/a"], shorten=name_cutter(["lab/a"])),
        Column("S", ["done"], folds=""),
    ]
    assert folded(one, 80) == ("", one)
