"""Build: compile the programs, run the other commands, check the project's own files."""
