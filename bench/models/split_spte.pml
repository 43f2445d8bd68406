/* An spte in two halves: one writer, READERS readers without a lock, UPDATES new mappings.
   All mappings have the same lower half, so that only clear_spte_count can tell them apart. */

#ifndef READERS
#define READERS 3
#endif
#ifndef UPDATES
#define UPDATES 4
#endif

byte low = 1, high = 1, count;

active proctype writer() {
    byte n;
clear:
    low = 0;        /* X1: exchange */
    high = 0;       /* X3 */
    count = n + 1;  /* X4 */
    high = n + 2;   /* S1 */
    atomic {
        low = 1;    /* S3 */
        n++;
        if
        :: n < UPDATES -> goto clear
        :: else
        fi
    }
end:
    false
}

active [READERS] proctype reader() {
    byte before, seen_low, seen_high;
again:
    before = count;    /* R0 */
    seen_low = low;    /* R1 */
    seen_high = high;  /* R2 */
    atomic {           /* R3 */
        if
        :: low != seen_low -> before = 0; seen_low = 0; seen_high = 0; goto again
        :: else
        fi
    }
    atomic {           /* R4 */
        if
        :: count != before -> before = 0; seen_low = 0; seen_high = 0; goto again
        :: else -> assert(!seen_low || seen_high); before = 0; seen_low = 0; seen_high = 0
        fi
    }
end:
    false
}
