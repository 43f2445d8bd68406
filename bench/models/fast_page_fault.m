-- fast_page_fault.pml for Rumur: the same steps, the same states.

const VCPUS: 3;
const ROUNDS: 2;
const PAGES: 2;
const WRITES: 6;

type
  vcpu: 0..VCPUS - 1;
  page: 0..PAGES - 1;

var
  writable: array [page] of boolean;
  tlb: array [vcpu] of array [page] of boolean;
  bitmap: array [page] of boolean;
  report: array [page] of boolean;
  unlogged: array [page] of boolean;
  logger_at: enum { EXCHANGE, PROTECT, FLUSH, LOGGED };
  round: 0..ROUNDS;
  protected: 0..PAGES;
  flushed: 0..VCPUS;
  at: array [vcpu] of enum { RUN, FP2, FP8, FP9, STOPPED };
  n: array [vcpu] of 0..WRITES;

function page_of(v: vcpu): page;
begin
  return (v + n[v]) % PAGES;
end;

-- Go on with the next dirty page, from *first*; without one, to the flush or the next round.
procedure go_on(first: 0..PAGES);
begin
  protected := first;
  while protected < PAGES & !report[protected] do
    protected := protected + 1;
  end;
  if protected < PAGES then
    logger_at := PROTECT;
  else
    protected := 0;
    logger_at := FLUSH;
  end;
end;

procedure next_round();
begin
  round := round + 1;
  if round < ROUNDS then logger_at := EXCHANGE; else logger_at := LOGGED; end;
end;

startstate
begin
  logger_at := EXCHANGE;
  round := 0;
  protected := 0;
  flushed := 0;
  for p: page do
    writable[p] := false;
    bitmap[p] := false;
    report[p] := false;
    unlogged[p] := false;
  end;
  for v: vcpu do
    at[v] := RUN;
    n[v] := 0;
    for p: page do
      tlb[v][p] := false;
    end;
  end;
end;

rule "G1: the word of the bitmap is exchanged with 0" logger_at = EXCHANGE ==>
begin
  for p: page do
    report[p] := bitmap[p];
    bitmap[p] := false;
  end;
  if exists p: page do report[p] end then
    go_on(0);
  else
    next_round();
  end;
end;

rule "G2: the spte of a dirty page is write-protected" logger_at = PROTECT ==>
begin
  writable[protected] := false;
  go_on(protected + 1);
end;

rule "G3: one CPU after the other" logger_at = FLUSH ==>
begin
  for p: page do
    tlb[flushed][p] := false;
  end;
  flushed := flushed + 1;
  if flushed = VCPUS then
    flushed := 0;
    for p: page do
      report[p] := false;
    end;
    next_round();
  end;
end;

ruleset v: vcpu do
  rule "the guest writes" at[v] = RUN ==>
  begin
    alias p: page_of(v) do
      if tlb[v][p] | writable[p] then
        tlb[v][p] := true;
        if !bitmap[p] & !report[p] then
          unlogged[p] := true;
        end;
        n[v] := n[v] + 1;
        if n[v] = WRITES then at[v] := STOPPED; end;
      else
        at[v] := FP2;
      end;
    end;
  end;
  rule "FP2" at[v] = FP2 ==>
  begin
    if writable[page_of(v)] then at[v] := RUN; else at[v] := FP8; end;
  end;
  rule "FP8: compare-exchange" at[v] = FP8 ==>
  begin
    if writable[page_of(v)] then
      at[v] := RUN;
    else
      writable[page_of(v)] := true;
      at[v] := FP9;
    end;
  end;
  rule "FP9" at[v] = FP9 ==>
  begin
    bitmap[page_of(v)] := true;
    unlogged[page_of(v)] := false;
    at[v] := RUN;
  end;
end;

invariant "no write is lost"
  logger_at = LOGGED & (forall v: vcpu do at[v] = STOPPED end) ->
    (forall p: page do !unlogged[p] end);
