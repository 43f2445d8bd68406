"""The fast explorer: programs as packed states and tables."""
