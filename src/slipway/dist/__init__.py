"""Dist: collect the files that are copied, and lay out one folder per distribution."""
