"""Files that are damaged: an answer or an error that says where, never anything else."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from mmuspec.interleave.errors import ProgramError
from mmuspec.interleave.litmus.x86 import read_x86

FILES = (
    """X86 n (title) "about"
Prefetch=0:x=F
{x = 0; 0:EAX = 1; int t[2]={1,2};};
 P0 | P1 ;
 L: xchg [x], EAX | mov EAX, [EBX] ;
 lock; add [x],$-1 | JE L2 ;
 mov EBX, [y] | L2: MFENCE;
locations [x; 0:EAX;]
~exists (P0:EBX = 0 /\\ not (x=1 \\/ t[1]=2) => 1:EAX=x)
with tso: ~exists;
<< show 1 >>
""",
    """X86_64 n
{ uint64_t x; uint64_t *p=x; 0:rsi=x; uint64_t 1:rax; }
 P0                | P1                   ;
 movl $1,4(%rsi)   | lock cmpxchgq %rbx,(x) ;
 movq (%rax,%rbx,8),%rcx | jne L1          ;
 sete %al          | L1: movb $x,%ah      ;
filter x=1 forall (1:rax!=[x])
""",
)
PIECES = " \n{}()[];|,:=$%*~/\\-+01xAPL&\"'"


@given(st.sampled_from(FILES), st.integers(0, 600), st.integers(0, 12), st.text(PIECES, max_size=4))
@settings(max_examples=400, deadline=None)
def test_a_damaged_file(text, at, gone, instead):
    damaged = text[:at] + instead + text[at + gone :]
    try:
        read_x86(damaged, "f")
    except ProgramError as error:
        lines = damaged.split("\n")
        source = error.source
        if source.file:
            assert 1 <= source.line <= len(lines)
            assert 1 <= source.column <= len(lines[source.line - 1]) + 1


@given(st.text(max_size=80))
def test_any_text(text):
    for head in ("", "X86 t\n{}\n P0;\n", "X86 t\n{"):
        with suppress(ProgramError):
            read_x86(head + text, "f")
