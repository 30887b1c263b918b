"""`wandb.box3d`: boxes of the scenes that an `Object3D` shows."""

from __future__ import annotations

from .errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["box3d"]


def box3d(
    *,
    center: Sequence[float],
    size: Sequence[float],
    orientation: Sequence[float],
    color: Sequence[int],
    label: str | None = None,
    score: float | None = None,
) -> dict[str, Any]:
    """A box of a scene, by its centre, its size and how it is turned.

    Args:
        orientation: A quaternion, the real part first; its length does not matter.
        color: Red, green and blue, 0 to 255.

    Raises:
        ValueError: The quaternion is 0.
    """
    import numpy as np

    turn = np.asarray(orientation, float)
    length = float(np.linalg.norm(turn))
    if length == 0:
        raise UsageError("The orientation of a box is a quaternion that is not 0.")
    real, *imaginary = (turn / length).tolist()
    axis = np.asarray(imaginary)
    half = np.asarray(size, float) / 2
    corners = []
    for signs in np.ndindex(2, 2, 2):
        corner = half * (2 * np.asarray(signs) - 1)
        across = 2 * np.cross(axis, corner)  # the product q·v·q* of quaternions
        turned = corner + real * across + np.cross(axis, across)
        corners.append(tuple((np.asarray(center, float) + turned).tolist()))
    box: dict[str, Any] = {"corners": corners, "color": list(color)}
    if label is not None:
        box["label"] = label
    if score is not None:
        box["score"] = score
    return box
