"""MLflow's runs as our experiments, and ours as its: pure functions, the same for the dialect and the forwarder."""
