/* Fast page faults of VCPUS vCPUs against ROUNDS of get-dirty-log: each vCPU writes WRITES
   times, to PAGES pages in turn. An spte is its writable bit; the rest of it never changes.
   A page is unlogged while it was written, but is neither in the bitmap nor in the report
   under way; a fast page fault on the way to FP9 makes up for that, so it counts at the end. */

#ifndef VCPUS
#define VCPUS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef PAGES
#define PAGES 2
#endif
#ifndef WRITES
#define WRITES 6
#endif

byte spte[PAGES];
byte tlb[VCPUS];
byte bitmap, report, unlogged, ended;

inline stop() {
    ended++;
    assert(ended <= VCPUS || !unlogged)
}

active proctype logger() {
    byte round, page, cpu;
next:
    atomic {  /* G1: the word of the bitmap is exchanged with 0 */
        report = bitmap;
        bitmap = 0;
        do
        :: page < PAGES && !((report >> page) & 1) -> page++
        :: else -> break
        od;
        if
        :: page == PAGES -> page = 0; goto done
        :: else
        fi
    }
protect:
    atomic {  /* G2: the spte of a dirty page is write-protected */
        spte[page] = 0;
        page++;
        do
        :: page < PAGES && !((report >> page) & 1) -> page++
        :: else -> break
        od;
        if
        :: page < PAGES -> goto protect
        :: else -> page = 0
        fi
    }
flush:
    atomic {  /* G3: one CPU after the other */
        tlb[cpu] = 0;
        cpu++;
        if
        :: cpu < VCPUS -> goto flush
        :: else -> cpu = 0; report = 0
        fi;
done:
        round++;
        if
        :: round < ROUNDS -> goto next
        :: else -> stop()
        fi
    }
end:
    false
}

active [VCPUS] proctype vcpu() {
    byte n = _pid - 1;
    #define PAGE (n % PAGES)
    #define BIT (1 << PAGE)
guest:
    atomic {  /* the guest writes, through the TLB or after a walk of the tables */
        if
        :: (tlb[_pid - 1] & BIT) || spte[PAGE] ->
            tlb[_pid - 1] = tlb[_pid - 1] | BIT;
            unlogged = unlogged | (BIT & ~(bitmap | report));
            n++;
            if
            :: n < _pid - 1 + WRITES -> goto guest
            :: else -> stop(); goto end
            fi
        :: else
        fi
    }
    atomic {  /* FP2 */
        if
        :: spte[PAGE] -> goto guest  /* FP5 */
        :: else
        fi
    }
    atomic {  /* FP8: compare-exchange */
        if
        :: spte[PAGE] -> goto guest
        :: else -> spte[PAGE] = 1
        fi
    }
    atomic {  /* FP9 */
        bitmap = bitmap | BIT;
        unlogged = unlogged & ~BIT;
        goto guest
    }
end:
    false
}
