"""Measurements of slipway beside the tools that are usual, run by hand: `python -m bench`."""
