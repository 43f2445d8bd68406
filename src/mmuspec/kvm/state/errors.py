"""What the model says when it is asked for something impossible."""


class ModelError(Exception):
    """A precondition of the model was broken; the message says which."""


class LockError(ModelError):
    """``mmu_lock`` was needed and not held, or taken twice."""


class PteListError(ModelError):
    """A reverse map was asked to remove an entry that it does not hold."""


class SpteError(ModelError):
    """An spte was changed in a way that the kernel warns about."""


class SlotError(ModelError):
    """A memory slot was asked for that does not exist, or cannot be made."""


class HostMemoryError(ModelError):
    """A host address has no page behind it."""
