"""What differs between kernel versions, as data that the model reads."""

from .default import DEFAULT, current, using
from .epoch import Epoch
from .layouts import FastPfLarge, GenerationLayout, MmioTag, RoleLayout, ZapGeneration
from .versions import EPOCHS, V3_10, V3_11, V5_10, V6_1, epoch_named

__all__ = [
    "DEFAULT",
    "EPOCHS",
    "V3_10",
    "V3_11",
    "V5_10",
    "V6_1",
    "Epoch",
    "FastPfLarge",
    "GenerationLayout",
    "MmioTag",
    "RoleLayout",
    "ZapGeneration",
    "current",
    "epoch_named",
    "using",
]
