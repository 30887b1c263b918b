"""Neptune: runs that its exporter wrote to Parquet files."""
