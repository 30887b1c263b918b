"""What `tools/dialect_tests.py` knows of each tracker's own tests."""
