"""Bringing in what other trackers recorded: from a source, run by run, into the journals of a root."""
