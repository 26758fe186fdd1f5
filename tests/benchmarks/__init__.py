"""The benchmarks own parts: how goals are judged, and the baseline that they are held against."""
