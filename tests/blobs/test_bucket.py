"""Blobs in a bucket: the contract on a real S3 server and in memory, windows, and how its errors look."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings

from anew.blobs.bucket import BucketBlobs
from anew.blobs.protocol import Blobs
from anew.testing.blobs import BlobsContract, BlobsModel


class TestBucketBlobs(BlobsContract):
    @pytest.fixture
    def blobs(self, make_bucket: Callable[[], str]) -> BucketBlobs:
        return BucketBlobs(make_bucket())

    def again(self, blobs: Blobs) -> BucketBlobs:
        return BucketBlobs(blobs.url)


@pytest.mark.slow
class TestSeaweedBlobs(BlobsContract):
    """On a server that refuses wrong signatures, and keeps conditions where many write at once."""

    @pytest.fixture
    def blobs(self, make_real_bucket: Callable[[], str]) -> BucketBlobs:
        return BucketBlobs(make_real_bucket())

    def again(self, blobs: Blobs) -> BucketBlobs:
        return BucketBlobs(blobs.url)


class TestMemoryBlobs(BlobsContract):
    @pytest.fixture
    def blobs(self) -> BucketBlobs:
        return BucketBlobs("memory:", unchanging="packs")

    def again(self, blobs: Blobs) -> Blobs:
        return blobs


class MemoryModel(BlobsModel):
    def empty(self) -> BucketBlobs:
        return BucketBlobs("memory:", unchanging="x")

    def again(self, blobs: Blobs) -> Blobs:
        return blobs


TestMemoryModel = MemoryModel.TestCase
TestMemoryModel.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)


def test_random_operations_agree_with_a_dictionary_on_a_server(make_bucket: Callable[[], str]):
    class BucketModel(BlobsModel):
        def empty(self) -> BucketBlobs:
            return BucketBlobs(make_bucket())

        def again(self, blobs: Blobs) -> BucketBlobs:
            return BucketBlobs(blobs.url)

    case = BucketModel.TestCase
    case.settings = settings(max_examples=4, stateful_step_count=15, deadline=None)
    case("runTest").runTest()


def test_neighbours_in_an_unchanging_blob_come_with_one_request(monkeypatch: pytest.MonkeyPatch):
    blobs = BucketBlobs("memory:", unchanging="packs")
    blobs.replace("packs/1", bytes(range(250)) * 100)
    blobs.replace("other", b"0123456789")
    asked: list[tuple[str, int]] = []
    original = BucketBlobs._range

    def count(self: BucketBlobs, key: str, start: int, length: int | None) -> bytes:
        asked.append((key, start))
        return original(self, key, start, length)

    monkeypatch.setattr(BucketBlobs, "_range", count)
    assert blobs.read("packs/1", 10, 5) == bytes(range(10, 15))
    assert blobs.read("packs/1", 60, 5) == bytes(range(60, 65))
    assert asked == [("packs/1", 10)]
    assert blobs.read("other", 1, 2) == b"12"
    assert blobs.read("other", 1, 2) == b"12"
    assert len(asked) == 3
    blobs.delete("packs/1")
    with pytest.raises(FileNotFoundError):
        blobs.read("packs/1", 10, 5)


def test_what_the_service_refuses_is_an_os_error():
    blobs = BucketBlobs(
        "s3://nowhere/x",
        options={
            "endpoint": "http://127.0.0.1:9",
            "client_options": {"allow_http": True},
            "access_key_id": "a",
            "secret_access_key": "b",
            "region": "us-east-1",
            "retry_config": {"max_retries": 0},
        },
    )
    for call in (
        lambda: blobs.read("a"),
        lambda: blobs.list(),
        lambda: blobs.create("a", b""),
        lambda: blobs.delete("a"),
    ):
        with pytest.raises(OSError, match="bucket"):
            call()
