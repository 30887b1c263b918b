"""Reading repositories of Aim. Aim itself is not needed, but the package `aimrocks` with its RocksDB is."""
