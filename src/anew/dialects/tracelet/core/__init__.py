"""`tracelet.core`."""
