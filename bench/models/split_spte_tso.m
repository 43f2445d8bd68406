-- split_spte_tso.pml for Rumur: the same steps, the same states.

const READERS: 3;
const UPDATES: 3;

type
  bit: 0..1;
  value: 0..UPDATES + 1;
  reader: 0..READERS - 1;
  place: enum { NOWHERE, LOW, HIGH, COUNT };
  slot: 0..3;

var
  low: bit;
  high: value;
  count: value;
  writer_at: 0..5;
  n: value;
  waiting: 0..4;
  target: array [slot] of place;
  stored: array [slot] of value;
  at: array [reader] of 0..5;
  before: array [reader] of value;
  seen_low: array [reader] of bit;
  seen_high: array [reader] of value;

procedure store(where: place; what: value; next: 0..5);
begin
  target[waiting] := where;
  stored[waiting] := what;
  waiting := waiting + 1;
  writer_at := next;
end;

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
  waiting := 0;
  for s: slot do
    target[s] := NOWHERE;
    stored[s] := 0;
  end;
  for r: reader do
    forget(r, 0);
  end;
end;

rule "X1: exchange" writer_at = 0 & waiting = 0 ==> begin low := 0; writer_at := 1; end;
rule "X3" writer_at = 1 ==> begin store(HIGH, 0, 2); end;
rule "X4" writer_at = 2 ==> begin store(COUNT, n + 1, 3); end;
rule "S1" writer_at = 3 ==> begin store(HIGH, n + 2, 4); end;
rule "S3" writer_at = 4 ==>
begin
  n := n + 1;
  if n < UPDATES then store(LOW, 1, 0); else store(LOW, 1, 5); end;
end;

rule "the oldest store becomes visible" waiting > 0 ==>
begin
  switch target[0]
    case LOW: low := stored[0];
    case HIGH: high := stored[0];
    case COUNT: count := stored[0];
  end;
  for s: slot do
    if s < 3 then
      target[s] := target[s + 1];
      stored[s] := stored[s + 1];
    end;
  end;
  target[3] := NOWHERE;
  stored[3] := 0;
  waiting := waiting - 1;
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
