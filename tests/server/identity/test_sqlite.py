"""The file that the accounts of a folder lie in."""

from __future__ import annotations

import os
import stat

import pytest

from anew.errors import CorruptData
from anew.server.identity.accounts import Accounts


def test_the_file_belongs_to_its_user_alone_whatever_the_umask(tmp_path):
    before = os.umask(0)
    try:
        opened = Accounts(str(tmp_path))
        opened.add_user("al")
        folder = tmp_path / ".anew" / "server"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for path in folder.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        opened.close()
    finally:
        os.umask(before)


@pytest.mark.parametrize("how", ["open folder", "open file", "link", "linked folder"])
def test_accounts_that_others_could_have_written_are_refused(tmp_path, how):
    root = tmp_path / "root"
    root.mkdir()
    Accounts(str(root)).close()
    folder = root / ".anew" / "server"
    if how == "open folder":
        folder.chmod(0o755)
    elif how == "open file":
        (folder / "accounts.db").chmod(0o644)
    elif how == "link":
        (folder / "accounts.db").rename(tmp_path / "elsewhere")
        (folder / "accounts.db").symlink_to(tmp_path / "elsewhere")
    else:
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CorruptData):
        Accounts(str(root))
