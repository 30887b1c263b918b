"""Recorded tables: sorted, filtered and compared where they lie."""
