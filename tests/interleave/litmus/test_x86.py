"""herd's assembly files: instructions of x86 and x86-64, and what is wrong with a file."""

import pytest

from mmuspec.interleave.errors import NotModelledError, ProgramError
from mmuspec.interleave.litmus.answer import ask, named
from mmuspec.interleave.litmus.x86 import read_x86
from mmuspec.interleave.operations import Barrier, Fence, Load, Store, Update
from mmuspec.interleave.words import Part, Place, Word

FULL = (1 << 64) - 1


def litmus(code, first="", shows="", arch="X86"):
    rows = "".join(f" {row} ;\n" for row in code.split(";"))
    return read_x86(
        f"{arch} t\n{{ {first} }}\n P0 ;\n{rows}locations [{shows}]\nforall (true)\n", "f"
    )


def final(code, first="", shows="", arch="X86"):
    """Return the only final state of one CPU."""
    found = ask(litmus(code, first, shows, arch))
    (values,) = found.states
    return dict(named(found.litmus, values))


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("MOV EAX,$5", {"0:EAX": 5}),
        ("mov eax,5", {"0:EAX": 5}),
        ("MOV EAX,$-1", {"0:EAX": -1}),
        ("MOV EAX,$0x10", {"0:EAX": 16}),
        ("MOV [x],$1; MOV EAX,[x]", {"[x]": 1, "0:EAX": 1}),
        ("MOV EBX,$3; MOV EAX,EBX", {"0:EAX": 3}),
        ("MOV [x],$5; ADD [x],$2; ADD EAX,[x]", {"[x]": 7, "0:EAX": 7}),
        ("MOV EAX,$5; SUB EAX,$7", {"0:EAX": -2}),
        ("MOV EAX,$6; AND EAX,$3", {"0:EAX": 2}),
        ("MOV EAX,$6; OR EAX,$1", {"0:EAX": 7}),
        ("MOV EAX,$6; XOR EAX,EAX", {"0:EAX": 0}),
        ("INC EAX; INC [x]; LOCK INC [x]", {"0:EAX": 1, "[x]": 2}),
        ("DEC EAX; LOCK DEC [x]", {"0:EAX": -1, "[x]": -1}),
        ("LOCK; INC [x]", {"[x]": 1}),
        ("NOT EAX", {"0:EAX": -1}),
        ("MOV [x],$1; LOCK NOT [x]", {"[x]": -2}),
        ("MOV EAX,$5; NEG EAX", {"0:EAX": -5}),
        ("MOV EAX,$3; SHL EAX,$2", {"0:EAX": 12}),
        ("MOV EAX,$12; SHR EAX,$2", {"0:EAX": 3}),
        ("MOV EAX,$5; XCHG [x],EAX", {"[x]": 5, "0:EAX": 0}),
        ("MOV EAX,$5; XCHG EAX,[x]", {"[x]": 5, "0:EAX": 0}),
        ("MOV EAX,$5; LOCK XCHG [x],EAX", {"[x]": 5, "0:EAX": 0}),
        ("MOV EAX,$5; MOV EBX,$6; XCHG EAX,EBX", {"0:EAX": 6, "0:EBX": 5}),
        ("MOV [x],$5; MOV EAX,$3; XADD [x],EAX", {"[x]": 8, "0:EAX": 5}),
        ("MOV [x],$5; MOV EAX,$3; LOCK XADD [x],EAX", {"[x]": 8, "0:EAX": 5}),
        ("MOV EAX,$3; MOV EBX,$4; XADD EAX,EBX", {"0:EAX": 7, "0:EBX": 3}),
        ("MOV EBX,$3; CMPXCHG [x],EBX", {"[x]": 3, "0:EAX": 0}),
        ("MOV EBX,$3; LOCK CMPXCHG [x],EBX", {"[x]": 3, "0:EAX": 0}),
        ("MOV [x],$9; MOV EBX,$3; LOCK CMPXCHG [x],EBX", {"[x]": 9, "0:EAX": 9}),
        ("MOV [x],$9; MOV EBX,$3; CMPXCHG [x],EBX", {"[x]": 9, "0:EAX": 9}),
        ("LOCK OR [x],$6; LOCK AND [x],$3; LOCK XOR [x],$1", {"[x]": 3}),
        ("LOCK ADD [x],$4; LOCK SUB [x],$1", {"[x]": 3}),
        ("NOP; PAUSE; LFENCE; SFENCE; MFENCE", {}),
        ("MOV EAX,$1; RET; MOV EAX,$2", {"0:EAX": 1}),
        ("MOV EAX,$1; JMP L; MOV EAX,$2; L:", {"0:EAX": 1}),
        ("MOV EAX,$258; MOV AL,$3", {"0:EAX": 259}),
        ("MOV EAX,$1; MOV AH,$1", {"0:EAX": 257}),
    ],
)  # fmt: skip
def test_what_an_instruction_does(code, values):
    shows = "".join(f"{name};" for name in values)
    assert final(code, "x=0;", shows) == values


@pytest.mark.parametrize(
    ("left", "right", "yes", "no"),
    [
        (1, 1, "E Z GE LE AE BE", "NE NZ L G B A S"),
        (1, 2, "NE L LE B BE S LT", "E GE G AE A NS GT"),
        (2, 1, "NE G GE A AE NS", "L LE B BE S"),
        (-1, 1, "NE L LE A AE S", "G GE B BE"),
        (1, -1, "G GE B BE C", "L LE A AE NC"),
        (-0x8000_0000, 1, "L LE A O", "G GE B NO S"),
        (0x7FFF_FFFF, -1, "G GE B O S", "L LE A NO"),
    ],
)
def test_conditions_after_cmp(left, right, yes, no):
    code = f"MOV EAX,${left}; CMP EAX,${right}; J{{}} L; MOV EBX,$1; L:"
    for name in yes.split():
        assert final(code.format(name), shows="0:EBX;") == {"0:EBX": 0}, name
    for name in no.split():
        assert final(code.format(name), shows="0:EBX;") == {"0:EBX": 1}, name


@pytest.mark.parametrize(
    ("code", "taken"),
    [
        ("MOV EAX,$-1; ADD EAX,$1; JC L", True),
        ("MOV EAX,$1; ADD EAX,$1; JC L", False),
        ("MOV EAX,$0x7fffffff; ADD EAX,$1; JO L", True),
        ("MOV EAX,$0x7fffffff; INC EAX; JO L", True),
        ("MOV EAX,$-1; INC EAX; JC L", False),
        ("MOV EAX,$0x80000000; DEC EAX; JO L", True),
        ("DEC [x]; JS L", True),
        ("LOCK DEC [x]; JS L", True),
        ("MOV EAX,$6; TEST EAX,$1; JE L", True),
        ("XOR EAX,EAX; JNZ L", False),
        ("MOV EAX,$1; NEG EAX; JC L", True),
        ("NEG EAX; JC L", False),
        ("MOV EAX,$0x80000000; SHL EAX,$1; JC L", True),
        ("MOV EAX,$1; SHR EAX,$1; JC L", True),
        ("MOV EBX,$1; LOCK CMPXCHG [x],EBX; JE L", True),
        ("MOV EAX,$5; MOV EBX,$1; LOCK CMPXCHG [x],EBX; JE L", False),
        ("MOV EAX,$1; LOCK XADD [x],EAX; JZ L", False),
    ],
)
def test_flags(code, taken):
    code = f"{code}; MOV EDX,$1; L:"
    assert final(code, "x=0;", "0:EDX;") == {"0:EDX": 0 if taken else 1}


def test_set_and_conditional_move():
    assert final("CMP EAX,$0; SETE BL; SETNE CL", shows="0:EBX;0:ECX;") == {"0:EBX": 1, "0:ECX": 0}
    code = "MOV EBX,$7; CMP EAX,$1; CMOVC ECX,EBX; CMP EAX,$0; CMOVC EDX,EBX"
    assert final(code, shows="0:ECX;0:EDX;") == {"0:ECX": 7, "0:EDX": 0}


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("movq $1,(x); movq (x),%rax", {"[x]": 1, "0:rax": 1}),
        ("movq $-1,(x)", {"[x]": FULL}),
        ("mov $1,%eax; mov %eax,(x)", {"[x]": 1}),
        ("movq $-1,%rax; movl $1,%eax", {"0:rax": 1}),
        ("movq $-1,%rax; movw $1,%ax", {"0:rax": FULL - 0xFFFF + 1}),
        ("movq $-1,%rax; movb $1,%ah", {"0:rax": FULL - 0xFF00 + 0x100}),
        ("movq $-1,(x); movl (x),%eax", {"0:rax": 0xFFFF_FFFF}),
        ("movq $-1,(x); movl $0,(x)", {"[x]": FULL - 0xFFFF_FFFF}),
        ("movq $-1,(x); movl $0,4(%rsi)", {"[x]": 0xFFFF_FFFF}),
        ("movq $-1,(x); lock addl $1,(x)", {"[x]": FULL - 0xFFFF_FFFF}),
        ("movq $5,%rax; xchgq %rax,(x)", {"[x]": 5, "0:rax": 0}),
        ("movq $5,%rax; xchgq (x),%rax", {"[x]": 5, "0:rax": 0}),
        ("movq $5,%rax; subq $7,%rax", {"0:rax": FULL - 1}),
        ("movq $5,%r8; movq %r8,(x)", {"[x]": 5}),
        ("movq $5,%rbx; lock cmpxchgq %rbx,(x)", {"[x]": 5, "0:rax": 0}),
        ("movq $5,%rbx; lock cmpxchgq (x),%rbx", {"[x]": 5, "0:rax": 0}),
        ("movq $5,%rax; lock xaddq %rax,(x)", {"[x]": 5, "0:rax": 0}),
        ("movq $5,%rax; movq $6,%rbx; xaddq %rax,%rbx", {"0:rax": 6}),
        ("movq $x,%rax; movq $7,(%rax)", {"[x]": 7}),
        ("leaq 4(%rsi),%rax; movl $1,(%rsi); movl $2,4(%rsi)", {"[x]": 0x2_0000_0001}),
        ("movq $1,x(%rip)", {"[x]": 1}),
        ("movq $1,[x]", {"[x]": 1}),
        ("movabsq $0x123456789a,%rax", {"0:rax": 0x123456789A}),
        ("nopl 0(%rax,%eax,0); nopw %cs:0(%rax,%eax,0); endbr64; ret", {}),
        ("movq $3,%rax; cmpq $2,%rax; jg L; movq $0,%rax; L:", {"0:rax": 3}),
    ],
)
def test_what_an_instruction_of_64_bits_does(code, values):
    shows = "".join(f"{name};" for name in values)
    first = "uint64_t x=0; uint64_t 0:rax; 0:rsi=x;"
    assert final(code, first, shows, "X86_64") == values


def test_words_arrays_and_addresses():
    first = "int64_t t[2]={1,-1}; 0:rax=t; 0:rbx=1; int64_t 0:rcx; int64_t 0:rdx;"
    code = "movq 0(%rax,%rbx,8),%rcx; movq (%rax),%rdx; movq $5,8(%rax)"
    found = final(code, first, "0:rcx;0:rdx;t[0];t[1];", "X86_64")
    assert found == {"0:rcx": -1, "0:rdx": 1, "t[0]": 1, "t[1]": 5}


def test_an_address_that_is_only_known_while_it_runs():
    """P1 follows a pointer that P0 turns from x to y."""
    text = """X86_64 publish
{ uint64_t *p=x; uint64_t x=1; uint64_t y; uint64_t 1:rbx; 0:rax=y; }
 P0            | P1              ;
 movq $2,(y)   | movq (p),%rax   ;
 movq %rax,(p) | movq (%rax),%rbx ;
locations [1:rbx; p;]
exists (1:rax=y /\\ 1:rbx=0)
"""
    found = ask(read_x86(text))
    assert [dict(named(found.litmus, values)) for values in found.states] == [
        {"1:rax": "x", "1:rbx": 1, "[p]": "y"},
        {"1:rax": "y", "1:rbx": 2, "[p]": "y"},
    ]
    assert found.observation == "Never"


def test_bytes_that_nothing_else_shares_are_words():
    assert final("movb $-1,(x); movb (x),%al", "uint8_t x=0;", "x;0:rax;", "X86_64") == {
        "[x]": 255,
        "0:rax": 255,
    }
    assert final("movw $-1,(x)", "int16_t x=0;", "x;", "X86_64") == {"[x]": -1}


def operations(code, first="", arch="X86"):
    return [each.operation for each in litmus(code, first, arch=arch).program.threads[0].code]


def test_the_micro_operations():
    found = operations("MOV [x],$1; MOV EAX,[y]; MFENCE; XCHG [x],EAX; SFENCE")
    assert [type(each) for each in found] == [Store, Load, Fence, Update, Barrier]
    assert found[1] == Load("EAX", Place("y"))
    found = operations("movl (x),%eax; movl 4(%rsi),%ebx", "uint64_t x; 0:rsi=x;", "X86_64")
    assert found == [Load("rax", Place("x", Part.LOW)), Load("rbx", Place("x", Part.HIGH))]


def test_words_are_as_wide_as_they_are_used():
    program = litmus("movq $1,(x); movl $1,(y)", "z=3;", arch="X86_64").program
    assert program.words == (Word("z", 32, 3), Word("x", 64), Word("y", 32))


def test_where_instructions_stand():
    program = read_x86("X86 t\n{}\n P0 | P1 ;\n MOV [x],$1 | LOCK INC [x] ;\n", "f").program
    sources = [str(thread.code[0].source) for thread in program.threads]
    assert sources == ["f:4:2", "f:4:15"]


def test_old_forms():
    text = """X86 amd10 (amdTen) "some title"
{x = 0; y = 0; P1:EBX = 3};

        P0      |       P1      ;
  mov [x], 1\t|  mov [y], 1 ;
  mfence        |               ;
  mov EAX, [x]  |  mov ECX, [y] ;

final (P0:EAX = 1 /\\ P1:ECX = 1);
with
tso: ~exists;
cc: exists;

<<
show 3
>>
"""
    found = read_x86(text)
    assert found.claim == "exists (0:EAX=1 /\\ 1:ECX=1)"
    assert ("tso", "Never") in found.expected
    assert found.program.threads[1].registers == (("EBX", 3),)


NUMBER = "a number cannot be written to"
LOCKED = "expected after LOCK: an instruction that reads and writes memory"
HEAD = "X86 t\n{ x=0; }\n P0 | P1 ;\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (HEAD + " MOV [x],$1 ;\n", "f:4:13: expected '|' (2 columns, this is 1), found ';'"),
        (HEAD + " MOV [x],$1 | | ;\n", "f:4:15: expected ';', found '|'"),
        (HEAD + " MOV [x],$1 | \n", "f:5:1: expected an instruction, '|' or ';', found the end"),
        (HEAD + " MOV [x] | ;\n", "f:4:10: expected ',', found '|'"),
        (HEAD + " MOV $1,[x] | ;\n", f"f:4:2: expected the destination first: {NUMBER}"),
        (HEAD + " MOV [x],[x] | ;\n", "f:4:2: expected at most one operand in memory"),
        (HEAD + " MOV EAX,RAX | ;\n", "f:4:10: no register RAX; memory is written [x]"),
        (HEAD + " MOV EAX,%foo | ;\n", "f:4:11: no register foo"),
        (HEAD + " LOCK MOV [x],$1 | ;\n", f"f:4:2: {LOCKED}"),
        (HEAD + " LOCK INC EAX | ;\n", f"f:4:2: {LOCKED}"),
        (HEAD + " XCHG [x],$1 | ;\n", "f:4:2: expected a register as an operand of XCHG"),
        (HEAD + " JE L | ;\n", "f:4:2: this CPU has no label L"),
        (HEAD + " L: INC [x] | ;\n L: | ;\n", "f:5:5: there are two labels L"),
        (HEAD + " L: JMP L | ;\n", "f:4:5: P0 can loop here without any access"),
        (HEAD + " MOV EAX,[EBX] | ;\n", "f:4:2: no word is at the address that is used here (0x0)"),
        ("X86 t\n{ x=0; }\n P0 | P2 ;\n", "f:3:7: expected P1, the name of a CPU, found 'P2'"),
        ("X86 t\n{ x=0; }\n", "f:3:1: expected P0, the name of a CPU, found the end"),
        ("X86 t\n{ x=0; x=1; }\n P0;\n", "f:2:8: x has a first value already"),
        ("X86 t\n{ foo_t x; }\n P0;\n", "f:2:3: no type 'foo_t'; expected one such as uint64_t"),
        ("X86 t\n{ 1:EAX=1; }\n P0;\n", "f:2:3: the test has no 1:EAX"),
        ("X86 t\n{ 0:EAX=1; 0:EAX=1; }\n P0;\n", "f:2:12: 0:EAX has a first value already"),
        (HEAD + "exists (2:EAX=1)", "f:4:9: the test has no 2:EAX"),
        (HEAD + "exists (t[1]=1)", "f:4:9: the test has no t[1]"),
        ("X86_64 t\n{}\n P0;\n movq %rax,$1;\n", f"f:4:2: expected the source first: {NUMBER}"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file(text, error):
    with pytest.raises(ProgramError) as caught:
        read_x86(text, "f")
    assert str(caught.value) == error
    assert not isinstance(caught.value, NotModelledError)


@pytest.mark.parametrize(
    ("arch", "code", "construct"),
    [
        ("X86", "PUSH EAX", "the instruction PUSH"),
        ("X86", "CLFLUSH [x]", "the instruction CLFLUSH"),
        ("X86_64", "movntiq %rax,(x)", "the instruction movntiq"),
        ("X86", "MOV EAX,[7]", "an address that is a number"),
        ("X86_64", "movl $1,(x); movb $1,(x)", "accesses to bytes of x, and to others"),
        ("X86_64", "movb $1,1(%rsi)", "an access to a byte within x"),
        ("X86_64", "movl $1,2(%rsi)", "an access across the end of x"),
        ("X86_64", "lock incb (x)", "a locked sum of 8 bits"),
    ],
)
def test_what_is_not_modelled(arch, code, construct):
    with pytest.raises(NotModelledError) as caught:
        litmus(code, "0:rsi=x;" if arch == "X86_64" else "", arch=arch)
    assert caught.value.construct == construct
    assert caught.value.source.line >= 4


def test_another_architecture_is_not_modelled():
    with pytest.raises(NotModelledError, match=r"^f:1:1: not modelled: the architecture PPC$"):
        read_x86("PPC t\n{}\n P0;\n", "f")
