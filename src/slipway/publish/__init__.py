"""Publishing: the stores that files go to, and the Actions on them."""
