"""Reading MLflow's own stores: folders of files and SQLite databases. MLflow itself is not needed."""
