"""Reverse maps: from a frame to its sptes, from a shadow page to its parents."""
