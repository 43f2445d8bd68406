"""Litmus files: herd's x86 and x86-64 assembly, the questions that all of them ask, and answers.

`text`, `sections`, `locations`, `initial`, `claims` and `conditions` read what all litmus files
have in common, `litmus` puts it together; `x86` reads those in assembly. `answer` prints herd's
block of results, `writer` makes a file of a protocol.
"""
