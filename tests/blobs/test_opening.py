"""An address becomes blobs, or is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from anew.address import parse_address
from anew.blobs.bucket import BucketBlobs
from anew.blobs.folder import FolderBlobs
from anew.blobs.opening import open_blobs
from anew.errors import InvalidSetting


def test_the_kind_of_an_address_chooses_the_implementation(tmp_path: Path):
    folder = open_blobs(parse_address(tmp_path), durable=False)
    assert isinstance(folder, FolderBlobs)
    assert (folder.url, folder.durable) == (str(tmp_path), False)
    for text in ("memory:", "s3://lab/x"):
        bucket = open_blobs(parse_address(text), options={} if text[0] == "m" else {"region": "x"})
        assert isinstance(bucket, BucketBlobs)
        assert bucket.url == text


def test_a_server_keeps_no_blobs_yet():
    with pytest.raises(InvalidSetting):
        open_blobs(parse_address("https://lab"))
