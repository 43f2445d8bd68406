"""Where things stand in the records that Python and the kernel share.

Every record is a row of 64-bit numbers; addresses are numbers, too. A state is one or
two of them: the first has bit 63 set, so that no state is 0, and bit 62 clear.
"""

from typing import Final

# What the kernel is asked to do.
EXPAND: Final = 0  # take every step from the states from NEXT to LAST
CHECK: Final = 1  # look at what is claimed of them
FILL: Final = 2  # put those in the places from NEXT to LAST of an older table into a new one
RECEIVE: Final = 3  # put those from NEXT to LAST of INBOX into the table
ENDS: Final = 4  # collect those from NEXT on in which everybody has ended
BEFORE: Final = 5  # find one from which a step leads to TARGET

# What it answers (ENDS: how many; BEFORE: which, or -1).
DONE: Final = 0
MISSING: Final = 1  # entries that have to be filled in; what was under way is begun again
FULL: Final = 2  # no room for the states of another block
EXCHANGE: Final = 3  # the states that belong to the other thread have to be handed over
HALTED: Final = 5  # the other thread waits
BROKE: Final = 4  # steps that break a claim were met for the first time

# The search: what a kernel gets.
STATES: Final = 0  # address: all states in the order in which they were met
COUNT: Final = 1  # how many
ROOM: Final = 2  # how many there may be before the kernel stops with FULL
TABLE: Final = 3  # address: the same states, by hash; 0 is free
SHIFT: Final = 4  # a hash has 64 - SHIFT bits
NEXT: Final = 5  # the first state that is still to be expanded, or checked
LAST: Final = 6  # the first that is not of this level
CPUS: Final = 7  # how many CPUs
CPU: Final = 8  # address of their records
RING: Final = 9  # address: the steps of one block of states
MISSES: Final = 10  # address: (record, address or 0, fields, fields) of entries that are missing
MISSED: Final = 11  # how many
HITS: Final = 12  # address: states from which steps lead that break a claim
HIT: Final = 13  # how many
STUCK: Final = 14  # a state from which no step leads and that is no end, or -1
END_MASK: Final = 15  # two: the fields that tell whether everybody has ended
END_VALUE: Final = 17  # two: and their values then
CLAIMS: Final = 19  # address of the records of what is claimed of every state
CLAIMED: Final = 20  # how many
ENDED: Final = 21  # address: states that are an end
DIVIDE: Final = 23  # the fields that tell to which of two threads a state belongs; 0 for one
OWNER: Final = 24  # 0 or 1: this thread
OUTBOX: Final = 25  # address: states for the other thread
SENT: Final = 26  # how many
OUTBOX_ROOM: Final = 27
TARGET: Final = 28  # two: the state whose predecessor is looked for
CLASSES: Final = 30  # how many classes of CPUs that are alike
CLASS: Final = 31  # address of their records
REDUCE: Final = 32  # 1 if one independent step may stand for all
RECENT: Final = 33  # address: states that were met a moment ago, by hash
OLDER: Final = 34  # address: the table from which FILL takes states
FAILED: Final = 35  # address: by claim, the first state in which it fails, or -1
INBOX: Final = 36  # address: the states that RECEIVE takes
HALT: Final = 37  # address: not 0 if the other thread waits
SEARCH_SIZE: Final = 40

# A CPU.
PC_SHIFT: Final = 0
PC_MASK: Final = 1
GROUPS: Final = 2  # address of the records of its accesses, by number
BUFFER: Final = 3  # two: the field that says what waits in its store buffer
BUFFER_SHIFT: Final = 5
BUFFERS: Final = 6  # address: by that number, two entries; what the oldest store does, what all do
CPU_SIZE: Final = 8

# An access of a CPU, or a claim: a table of entries, by the fields that decide.
MODE: Final = 0
MASK: Final = 1  # two: those fields
ENTRIES: Final = 3  # address
LOW_BITS: Final = 4  # how many bits of the index come from the first half of the state
KEYS: Final = 5  # address, if HASHED: the fields of each entry
KEYS_SHIFT: Final = 6  # a hash of the fields has 64 - KEYS_SHIFT bits
CONFLICTS: Final = 8  # by CPU: the accesses from which on it may do something that depends
TABLE_SIZE: Final = 16
MAX_CPUS: Final = 8

# Modes.
NEVER: Final = 1  # no access: the CPU has ended, or gave up
QUIT: Final = 2  # it gave up
ALONE: Final = 4  # waits until the store buffer is empty
VIEW: Final = 8  # sees the waiting stores
HASHED: Final = 16  # the entries are found by a hash
EAGER: Final = 32  # may be taken alone if it is independent

# A class of CPUs that are alike.
MEMBERS: Final = 0  # how many
FIELD_MASK: Final = 1  # of one, shifted down
FIRST_SHIFT: Final = 2  # and the shifts of the others after it; all in the first half
CLASS_SIZE: Final = 16

# An entry of an access: keep and set, for each half of the state. Set is 0 if it is
# missing (keep 0) or the access has to wait (keep 1). Of a claim: HOLDS or FAILS.
WAITS: Final = 1
BROKEN: Final = 1 << 62  # in set: a claim fails in this step
HOLDS: Final = 1
FAILS: Final = 2

BLOCK: Final = 64  # states expanded before their successors are put into the table
MISS_SIZE: Final = 4
MISSES_ROOM: Final = 1 << 12
MISSES_MOST: Final = BLOCK * MAX_CPUS * 2  # of one block
ENDED_ROOM: Final = 1024
RECENT_BITS: Final = 14
RING_ROOM: Final = BLOCK * MAX_CPUS * 2
