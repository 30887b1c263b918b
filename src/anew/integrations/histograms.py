"""A tensor's histogram, counted on the device where it lies: only the counts come over."""

from __future__ import annotations

import math
from typing import Any

from anew import Histogram

__all__ = ["histogram_of", "norm_of", "plain"]


def plain(tensor: Any) -> Any:
    """The numbers of a tensor of any kind, as a dense tensor of floats: the local part of one that is spread out."""
    import torch

    values = tensor.detach()
    if hasattr(values, "to_local"):
        values = values.to_local()
    if values.layout is not torch.strided:
        values = values.coalesce().values() if values.is_sparse else values.to_dense()
    if values.is_complex():
        values = torch.view_as_real(values)
    return values if values.dtype in (torch.float32, torch.float64) else values.float()


def norm_of(values: Any) -> float:
    """The Euclidean norm."""
    import torch

    return float(torch.linalg.vector_norm(values))


def histogram_of(values: Any, bins: int) -> Histogram:
    """The histogram of what `plain` gives; what is not finite is counted apart."""
    import torch

    if values.device.type == "cpu":
        return Histogram(values, bins)
    finite = values[torch.isfinite(values)]
    low, high = (float(v) for v in torch.aminmax(finite)) if finite.numel() else (0.0, 0.0)
    width = (high - low) / bins
    if not (math.isfinite(width) and width > 0 and low + width > low and high - width < high):
        # Nothing, one number, or nearly: all in the middle.
        room = max(0.5, abs(low) * 1e-6, abs(high) * 1e-6)
        counts, edges = [0] * bins, [low - room + 2 * room * i / bins for i in range(bins + 1)]
        counts[bins // 2] = finite.numel()
    else:
        counts = torch.histc(finite, bins, low, high).cpu().double().tolist()
        edges = [low + width * i for i in range(bins)] + [high]
    made = Histogram((counts, edges))
    made.nonfinite = values.numel() - finite.numel()
    made.metadata["count"] = values.numel()
    if finite.numel():
        std, mean = (float(v) for v in torch.std_mean(finite, correction=0))
        facts = {"min": low, "max": high, "mean": mean, "std": std}
        made.metadata |= {k: v for k, v in facts.items() if math.isfinite(v)}
    return made
