"""Why something cannot happen: how far it gets, and which guard prevents it."""
