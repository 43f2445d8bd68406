"""The life of shadow pages: looking up, walking, zapping, recycling, roots."""
