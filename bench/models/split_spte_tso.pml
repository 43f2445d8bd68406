/* split_spte.pml under x86-TSO: the writer's stores wait in a buffer. The exchange that begins
   an update waits until that is empty, so four stores are the most. */

#ifndef READERS
#define READERS 3
#endif
#ifndef UPDATES
#define UPDATES 3
#endif
#define LOW 1
#define HIGH 2
#define COUNT 3

byte low = 1, high = 1, count;
chan buffer = [4] of { byte, byte };

active proctype writer() {
    byte n;
clear:
    atomic { empty(buffer) -> low = 0 }  /* X1: exchange */
    buffer!HIGH, 0;                      /* X3 */
    buffer!COUNT, n + 1;                 /* X4 */
    buffer!HIGH, n + 2;                  /* S1 */
    atomic {
        buffer!LOW, 1;                   /* S3 */
        n++;
        if
        :: n < UPDATES -> goto clear
        :: else
        fi
    }
end:
    false
}

active proctype store_buffer() {
end:
    do
    :: d_step { buffer?HIGH, high }
    :: d_step { buffer?COUNT, count }
    :: d_step { buffer?LOW, low }
    od
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
