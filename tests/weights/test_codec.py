import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from anew.errors import CorruptData
from anew.weights import codec

WIDTHS = (1, 2, 4, 8)


def restored(encoded: codec.Encoded, base: np.ndarray | None, size: int) -> np.ndarray:
    out = np.zeros(size, np.uint8) if base is None else base.copy()
    codec.decode(encoded.payload, out)
    return out


@given(data=st.data(), width=st.sampled_from(WIDTHS), transform=st.sampled_from((0, 1, 2, 3)))
def test_every_transform_gives_back_the_very_bytes(data, width, transform):
    count = data.draw(st.integers(1, 300))
    arrays = hnp.arrays(np.uint8, count * width)
    new, base = data.draw(arrays), data.draw(arrays)
    encoded = codec.encode(new, base, width, transform)
    assert np.array_equal(restored(encoded, base, len(new)), new)


@given(data=st.data(), width=st.sampled_from(WIDTHS))
def test_whatever_is_chosen_gives_back_the_very_bytes(data, width):
    new = data.draw(hnp.arrays(np.uint8, data.draw(st.integers(1, 300)) * width))
    base = new ^ data.draw(hnp.arrays(np.uint8, len(new)))
    encoded = codec.encode(new, base, width, codec.choose(new, base, width))
    assert np.array_equal(restored(encoded, base, len(new)), new)


@pytest.mark.parametrize("width", WIDTHS)
def test_bits_that_are_no_ordinary_number_survive_a_delta(width):
    rng = np.random.default_rng(1)
    edges = np.array([0, 1, 0x7F, 0x80, 0xFF] * 8 * width, np.uint8)
    base = rng.integers(0, 256, len(edges), np.uint8)
    for transform in (codec.DIFFERENCE, codec.XOR):
        assert np.array_equal(
            restored(codec.encode(edges, base, width, transform), base, len(edges)), edges
        )


def test_noise_is_stored_raw_and_a_small_change_as_a_difference():
    rng = np.random.default_rng(0)
    random = rng.integers(0, 256, 1 << 18, np.uint8)
    assert codec.choose(random, None, 4) == codec.RAW
    weights = rng.standard_normal(1 << 16).astype(np.float32)
    moved = (weights * (1 + 1e-4 * rng.standard_normal(1 << 16))).astype(np.float32)
    chosen = codec.choose(moved.view(np.uint8), weights.view(np.uint8), 4)
    assert chosen == codec.DIFFERENCE
    encoded = codec.encode(moved.view(np.uint8), weights.view(np.uint8), 4, chosen)
    assert len(encoded.payload) < 0.41 * moved.nbytes


def test_a_delta_that_saves_nothing_is_not_used():
    rng = np.random.default_rng(0)
    old, new = (rng.standard_normal(1 << 16).astype(np.float32).view(np.uint8) for _ in range(2))
    assert codec.choose(new, old, 4) == codec.PLAIN


@given(data=st.data())
def test_damaged_bytes_are_reported_and_never_anything_else(data):
    new = np.arange(512, dtype=np.uint8)
    encoded = codec.encode(new, None, 4, codec.PLAIN)
    payload = bytearray(encoded.payload)
    cut = data.draw(st.integers(0, len(payload)))
    for position, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(payload) - 1), st.integers(0, 255)), max_size=4)
    ):
        payload[position] = value
    try:
        codec.decode(bytes(payload[:cut]), np.zeros(512, np.uint8))
    except CorruptData:
        pass
