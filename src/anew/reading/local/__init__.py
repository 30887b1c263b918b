"""The backend for a folder on this machine, over its index, its series and its files."""
