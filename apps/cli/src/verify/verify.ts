import { CHAIN_BEGIN, chainHash, type ExportLine, storedEntryOf } from '#contracts/audit-chain.js';
import { type CheckpointKeys, checkpointFault } from './checkpoints.js';

/** What is wrong first; a key that is not known, when nothing else is. Entries are counted by `seq`, their place in the chain. */
export interface Fault {
  kind: 'changed' | 'removed' | 'doubled' | 'moved' | 'checkpoint' | 'unknown_key' | 'cut' | 'empty' | 'filtered';
  seq: number | null;
  message: string;
}

export interface Verdict {
  entries: number;
  /** The last entry whose place is signed, by a key that is known. */
  signed_until: number;
  checkpoints: number;
  signatures: 'checked' | 'not checked';
  fault: Fault | null;
}

/** Lines of a file; called again for a second look at the same file. */
export type Lines = () => AsyncIterable<string>;

/**
 * Follows the chain of an export from its first entry, and names the first one that was changed, removed, doubled or
 * moved. Keeps one entry in memory. docs/audit-format.md says the same in words.
 */
export async function verify(lines: Lines, keys: CheckpointKeys | null): Promise<Verdict> {
  const verdict: Verdict = {
    entries: 0,
    signed_until: 0,
    checkpoints: 0,
    signatures: keys ? 'checked' : 'not checked',
    fault: null,
  };
  let previous = CHAIN_BEGIN;
  let end = 0;
  let unknown: Fault | null = null;
  for await (const text of lines()) {
    const line = parse(text);
    const found = await faultOf({ line, previous, expected: verdict.entries + 1 }, { lines, keys });
    if (found && found.kind !== 'unknown_key') return { ...verdict, fault: found };
    unknown ??= found;
    previous = line!.hash;
    verdict.entries++;
    if (line!.checkpoint === undefined) continue;
    verdict.checkpoints++;
    end = verdict.entries;
    if (!found) verdict.signed_until = end;
  }
  if (verdict.entries === 0) return { ...verdict, fault: fault('empty', null, EMPTY) };
  return { ...verdict, fault: end < verdict.entries ? cut(end, verdict) : unknown };
}

const EMPTY =
  'There is no entry in it, so it shows nothing: it was broken off before the first one, or made with a filter.';

interface Step {
  line: ExportLine | null;
  previous: string;
  expected: number;
}

async function faultOf(
  { line, previous, expected }: Step,
  { lines, keys }: { lines: Lines; keys: CheckpointKeys | null },
) {
  if (line?.filtered) {
    return fault('filtered', null, 'This is a selection made with a filter: it cannot be checked as a whole.');
  }
  if (!line || !Number.isSafeInteger(line.seq) || typeof line.hash !== 'string') {
    return fault('changed', expected, `Entry ${expected} was changed: it cannot be read.`);
  }
  if (line.seq < expected)
    return fault('doubled', line.seq, `Entry ${line.seq} was doubled: it stands here once more.`);
  if (line.seq > expected) return displaced(expected, line.seq, lines);
  if (chainHash(previous, storedEntryOf(line)) !== line.hash) {
    return fault('changed', expected, `Entry ${expected} was changed: it does not have the hash that it says.`);
  }
  const wrong = line.checkpoint === undefined ? null : await checkpointFault(line, line.checkpoint, keys);
  return wrong && fault(wrong.kind, expected, `The checkpoint at entry ${expected} ${wrong.how}`);
}

/** Another entry stands where `expected` belongs: it was removed, it was moved down, or the other one was moved up. */
async function displaced(expected: number, found: number, lines: Lines): Promise<Fault> {
  let at = 0;
  let isBehind = false;
  for await (const text of lines()) {
    const seq = parse(text)?.seq;
    if (++at === expected + 1 && seq === expected) {
      return fault('moved', found, `Entry ${found} was moved: it stands before entry ${expected}.`);
    }
    isBehind ||= at > expected && seq === expected;
  }
  if (isBehind) return fault('moved', expected, `Entry ${expected} was moved: it stands further behind.`);
  const which = found - expected === 1 ? `Entry ${expected} was` : `Entries ${expected} to ${found - 1} were`;
  return fault('removed', expected, `${which} removed.`);
}

const cut = (end: number, { entries }: Verdict): Fault =>
  fault(
    'cut',
    end + 1,
    `Entries ${end + 1} to ${entries} have no signed end: a whole export ends with a checkpoint, so its end was ` +
      'cut off, or it was not received to its end.',
  );

const fault = (kind: Fault['kind'], seq: number | null, message: string): Fault => ({ kind, seq, message });

function parse(text: string): ExportLine | null {
  try {
    const line = JSON.parse(text) as unknown;
    return typeof line === 'object' ? (line as ExportLine | null) : null;
  } catch {
    return null;
  }
}
