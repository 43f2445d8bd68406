"""What differs between kernel versions, as data that the model reads."""

from .epoch import Epoch, GenerationLayout, MmioTag, RoleLayout
from .versions import DEFAULT, EPOCHS, V3_10, V3_11, V5_10, V6_1, epoch_named

__all__ = [
    "DEFAULT",
    "EPOCHS",
    "V3_10",
    "V3_11",
    "V5_10",
    "V6_1",
    "Epoch",
    "GenerationLayout",
    "MmioTag",
    "RoleLayout",
    "epoch_named",
]
