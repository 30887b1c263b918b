"""What stands behind `anew.dialects.mlflow`, which lists the public names."""
