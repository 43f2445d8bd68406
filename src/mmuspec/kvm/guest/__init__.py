"""The guest's side: its memory, and KVM's walk of its tables."""
