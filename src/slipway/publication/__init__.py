"""Publications as a whole: what the trades contribute to one, and how one is planned, run, resumed, verified and taken back."""
