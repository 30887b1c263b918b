"""The tables of a group's store that are truth: what is not yet an object, and what says which objects there are.

Nothing here is derived from anything else. What has become an object is also said by the bucket, so that these tables can be
made again from it. The tables themselves are in `versions/`.
"""

from __future__ import annotations

__all__ = ["CHANNEL", "SCHEMA"]

CHANNEL = "anew_news"
"""The channel on which servers tell each other that something has arrived or was taken in."""

SCHEMA = "anew_truth"
"""The schema that they are in, apart from what is derived, which may be dropped as a whole."""
