"""`mlflow.autolog()`: what a framework's own training call is told, reported and made, recorded under MLflow's names."""
