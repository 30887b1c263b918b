"""The API of an MLflow server, for its unmodified client: what programs log through it are ordinary experiments."""
