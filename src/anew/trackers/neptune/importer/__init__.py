"""Reading what neptune-exporter wrote. Neither it nor Neptune is needed."""
