"""Memory slots: changing them, logging writes, and the host taking pages back."""
