"""What prefixes, names and labels may be."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anew.errors import InvalidName, InvalidValue
from anew.record.ids import ID_LENGTH, new_id
from anew.record.names import (
    MAX_METRIC_NAME,
    check_file_name,
    check_label,
    check_prefix,
    folder_name,
    metric_name,
    natural,
    stored_path,
)


@pytest.mark.parametrize(
    "prefix",
    [
        "alice/vision/resnet50",
        "a",
        "größe/模型/модель",
        "run 1/lr=0.1,b=2",
        "a-b_c.d/e+f",
        "v1.0",
        "a..b/c",
    ],
)
def test_ordinary_prefixes_are_kept(prefix: str) -> None:
    assert check_prefix(prefix) == prefix


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "a//b",
        "a/",
        "/etc/passwd",
        "..",
        "a/../../b",
        "a/./b",
        ".hidden/a",
        "a/.anew",
        "C:/x",
        "a\\b",
        "a/b?",
        "a/ b",
        "a/b ",
        "a/b.",
        "a\0b",
        "a\nb",
        "a\x1b[31m",
        "a\u202eb",
        "a\ud800",
        "x" * 201,
        "é" * 101,
        "/".join(["x" * 150] * 10),
        "weights",
        "weights/a",
        "experiments.db",
        "experiments.db-wal/a",
    ],
)
def test_prefixes_that_cannot_be_folders_are_refused_with_the_reason(prefix: str) -> None:
    with pytest.raises(InvalidName) as caught:
        check_prefix(prefix)
    assert caught.value.name == prefix
    assert isinstance(caught.value, ValueError)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("name", ["CON", "nul", "aux.txt", "com1", "LPT9.log", "con .x"])
def test_names_that_windows_keeps_for_devices_are_refused(name: str) -> None:
    with pytest.raises(InvalidName, match="device"):
        check_prefix(f"a/{name}")
    assert folder_name(name).lower().split(".")[0].strip() not in (
        "con",
        "nul",
        "aux",
        "com1",
        "lpt9",
    )


@pytest.mark.parametrize("prefix", [None, 3, b"a", ["a"]])
def test_a_prefix_is_a_string(prefix: Any) -> None:
    with pytest.raises(InvalidValue):
        check_prefix(prefix)


def test_two_spellings_of_one_name_are_one() -> None:
    decomposed = unicodedata.normalize("NFD", "größe/é")
    assert check_prefix(decomposed) == "größe/é"
    assert folder_name(decomposed.split("/")[0]) == "größe"


@settings(max_examples=300)
@given(st.text(max_size=40) | st.text("./\\: ~\0ab-", max_size=12))
def test_what_is_accepted_stays_below_its_root_and_can_be_made(text: str) -> None:
    try:
        prefix = check_prefix(text)
    except InvalidName:
        return
    root = "/srv/of/store"
    path = os.path.normpath(os.path.join(root, *prefix.split("/")))
    assert path.startswith(root + "/")
    assert path[len(root) + 1 :] == prefix
    assert check_prefix(prefix) == prefix
    prefix.encode()


ODD_FILES = [
    ".gitattributes", ".hydra/config.yaml", "10:00:00.log", "aux.pt", "a/NUL", "trailing.", "space ", " space",
    "back\\slash", "star*?<>|\"", "new\nline", "e\u0301", "x" * 255, "ü" * 127 + ".png", "d/" * 700 + "f",
]  # fmt: skip


@pytest.mark.parametrize("name", ["models/best.pth", *ODD_FILES])
def test_the_name_of_a_file_is_kept_whatever_it_is(name: str) -> None:
    assert check_file_name(name) == name


@pytest.mark.parametrize(
    "name", ["../outside", "/x", "a/../b", ".", "", "a//b", "a/", "a\0b", None, 3]
)
def test_a_file_name_that_leads_elsewhere_is_refused(name: Any) -> None:
    with pytest.raises(InvalidName):
        check_file_name(name)


@given(st.lists(st.text(st.characters(categories=None), min_size=1), min_size=1, max_size=4))  # type: ignore[arg-type]
def test_every_file_name_has_a_place_that_every_file_system_can_hold(segments: list[str]) -> None:
    try:
        place = stored_path(check_file_name("/".join(segments)))
    except InvalidName:
        return
    dotted = "/".join(f"x{s[1:]}" if s.startswith(".") else s for s in place.split("/"))
    assert check_prefix(f"x/{dotted}", what="path").endswith(unicodedata.normalize("NFC", dotted))
    assert all(segment not in ("", ".", "..") for segment in place.split("/"))


def test_a_name_that_every_file_system_can_hold_is_where_it_says() -> None:
    for name in ("models/best.pth", ".hydra/config.yaml", "a b/größe.txt", "100%.txt"):
        assert stored_path(name) == name
    assert stored_path("10:00:00.log") == "10%3A00%3A00.log"
    assert stored_path("aux.pt") == "%61ux.pt"


def test_what_a_folder_cannot_hold_becomes_a_dash() -> None:
    assert folder_name("a\u202eb/c:d\x00e") == "a-b-c-d-e"
    assert folder_name(" .-a-. ") == "a"
    assert folder_name("aux.tar.gz") == "aux_.tar.gz"


@given(st.text(max_size=300))
def test_any_text_gives_a_folder_name(text: str) -> None:
    name = folder_name(text)
    assert "/" not in name
    for prefix in (f"p/{name}", f"p/{name}-{new_id()}"):
        assert check_prefix(prefix) == prefix
    assert folder_name(name) == name


def test_long_and_odd_names_can_be_folders(tmp_path: Path) -> None:
    for name in ("x" * 1000, "模" * 500, "a/b\\c:d", "...", "  ", "", "\0", "-rf", "~", "😀" * 200):
        (tmp_path / f"{folder_name(name)}-{new_id()}").mkdir()


@pytest.mark.parametrize("label", ["baseline", "größe 2", "a/b", "lr=0.1", "🚀", "x" * 250])
def test_labels_are_visible_text(label: str) -> None:
    assert check_label(label, "tag") == label


@pytest.mark.parametrize(
    "label", ["", "  ", "a\nb", "\0", "x" * 251, None, 3, "a\u202eb", "\ud800"]
)
def test_other_labels_are_refused(label: Any) -> None:
    with pytest.raises(InvalidName, match="tag"):
        check_label(label, "tag")


@pytest.mark.parametrize(
    "name", ["loss", "train/loss", "val.acc@5", "größe", "a b", " a", "a ", "x" * MAX_METRIC_NAME]
)
def test_metric_names_are_kept_as_they_are(name: str) -> None:
    assert metric_name(name) == name


@given(st.text(st.characters(categories=None), min_size=1))  # type: ignore[arg-type]
def test_every_text_makes_a_metric_name_that_can_be_shown_and_is_kept_again(name: str) -> None:
    kept = metric_name(name)
    assert metric_name(kept) == kept
    kept.encode()
    assert len(kept) <= MAX_METRIC_NAME
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in kept)


def test_metric_names_that_are_too_long_stay_apart() -> None:
    long = "x" * MAX_METRIC_NAME
    assert len({metric_name(long + end) for end in "abc"}) == 3


@pytest.mark.parametrize("name", ["", None, 3])
def test_what_is_no_text_is_no_metric_name(name: Any) -> None:
    with pytest.raises(InvalidName):
        metric_name(name)


def test_ids_are_short_url_safe_and_differ_early() -> None:
    ids = {new_id() for _ in range(10_000)}
    assert len(ids) == 10_000
    assert all(len(i) == ID_LENGTH and i.isascii() and i.isalnum() and i[0].isalpha() for i in ids)
    assert len({i[:5] for i in ids}) > 9_900


def test_only_ascii_digits_are_a_number() -> None:
    assert [natural(text) for text in ("7", "007", "99999999999")] == [7, 7, 99_999_999_999]
    for text in ("", "-1", "+1", " 1", "1_0", "²", "٣", "१", "1.0", "1e3", "9" * 12, "9" * 5000):
        assert natural(text) is None, text


@given(st.integers(0, 10**11 - 1))
def test_a_number_is_read_as_it_is_written(number: int) -> None:
    assert natural(str(number)) == number
