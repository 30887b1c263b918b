"""Tables that anything may have written: CSV, TSV and JSONL files."""
