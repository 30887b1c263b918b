"""Where a reading of the journal is kept: the catalog, the series and the files, a seam each."""
