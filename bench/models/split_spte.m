-- split_spte.pml for Rumur: the same steps, the same states.

const READERS: 3;
const UPDATES: 4;

type
  bit: 0..1;
  value: 0..UPDATES + 1;
  reader: 0..READERS - 1;

var
  low: bit;
  high: value;
  count: value;
  writer_at: 0..5;
  n: value;
  at: array [reader] of 0..5;
  before: array [reader] of value;
  seen_low: array [reader] of bit;
  seen_high: array [reader] of value;

procedure forget(r: reader; next: 0..5);
begin
  before[r] := 0;
  seen_low[r] := 0;
  seen_high[r] := 0;
  at[r] := next;
end;

startstate
begin
  low := 1;
  high := 1;
  count := 0;
  writer_at := 0;
  n := 0;
  for r: reader do
    forget(r, 0);
  end;
end;

rule "X1: exchange" writer_at = 0 ==> begin low := 0; writer_at := 1; end;
rule "X3" writer_at = 1 ==> begin high := 0; writer_at := 2; end;
rule "X4" writer_at = 2 ==> begin count := n + 1; writer_at := 3; end;
rule "S1" writer_at = 3 ==> begin high := n + 2; writer_at := 4; end;
rule "S3" writer_at = 4 ==>
begin
  low := 1;
  n := n + 1;
  if n < UPDATES then writer_at := 0; else writer_at := 5; end;
end;

ruleset r: reader do
  rule "R0" at[r] = 0 ==> begin before[r] := count; at[r] := 1; end;
  rule "R1" at[r] = 1 ==> begin seen_low[r] := low; at[r] := 2; end;
  rule "R2" at[r] = 2 ==> begin seen_high[r] := high; at[r] := 3; end;
  rule "R3" at[r] = 3 ==>
  begin
    if low != seen_low[r] then forget(r, 0); else at[r] := 4; end;
  end;
  rule "R4" at[r] = 4 ==>
  begin
    if count != before[r] then
      forget(r, 0);
    else
      assert "not torn" seen_low[r] = 0 | seen_high[r] != 0;
      forget(r, 5);
    end;
  end;
end;
