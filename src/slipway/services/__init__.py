"""What makes a system keep a program running, made from what a project says about its services; a file per kind of system."""
