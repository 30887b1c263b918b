"""A URL becomes stores; what is not a folder is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.errors import InvalidSetting
from anew.stores.open import open_stores


@pytest.mark.parametrize("url", ["s3://bucket/runs", "https://lab.example.org", "file://nas/data"])
def test_what_is_no_local_folder_is_refused(url: str):
    with pytest.raises(InvalidSetting, match="folder"):
        open_stores(url)


def test_looking_at_a_root_that_is_not_there_does_not_make_it(tmp_path: Path):
    stores = open_stores(tmp_path / "none")
    assert not stores.writable
    stores.close()
    assert list(tmp_path.iterdir()) == []
