"""Verify: install what was made in clean containers, use it, remove it, and check packages file by file."""
