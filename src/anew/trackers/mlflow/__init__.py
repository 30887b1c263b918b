"""MLflow: names and values translated both ways, the dialect that takes its calls, the forwarder that makes its runs."""
