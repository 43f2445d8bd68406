"""What the events of a real machine alone decide: one monitor for each thing to check.

A monitor accuses a line only if no grouping of the recorded tasks into
virtual machines, and no event missing from the recording, could excuse it.
Where that cannot be told, it is silent, and the doubt is counted as a gap.
"""

from .checker import Checker
from .outcome import Found, Outcome
from .registry import MONITORS, Monitor

__all__ = ["MONITORS", "Checker", "Found", "Monitor", "Outcome"]
