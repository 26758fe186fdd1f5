"""What the command line runs: the one place that knows every process of the center."""
