"""The engine of what changes the world: Actions, plans of them, the journal, the lease, and how all of it is run."""
