"""vecbench: vecdb and its peers, side by side in one run, in turn."""
