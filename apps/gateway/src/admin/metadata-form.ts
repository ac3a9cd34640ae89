import type { Json } from '#contracts/connection-metadata.js';

/** One entry of a connection's metadata, as the form shows it and as it comes back. */
export interface MetadataRow {
  /** What it was when the page was made; null for an entry that is new. */
  before: { name: string; value: string } | null;
  name: string;
  value: string;
  isRemoved: boolean;
  /** What is wrong with it, for whoever typed it. */
  fault: string | null;
}

export const newRow: MetadataRow = { before: null, name: '', value: '', isRemoved: false, fault: null };

type Entry = [name: string, value: unknown];

/** Text in one line is for people. Everything else only programs write, and a field of a form would spoil it. */
const isForPeople = ([name, value]: Entry): boolean =>
  typeof value === 'string' && name !== '' && name === name.trim() && !/[\r\n]/.test(name + value);

export const rowsOf = (metadata: Json): MetadataRow[] =>
  Object.entries(metadata)
    .filter(isForPeople)
    .map(([name, text]) => {
      const value = text as string;
      return { ...newRow, before: { name, value }, name, value };
    });

/** What the form does not touch. */
export const othersOf = (metadata: Json): Entry[] => Object.entries(metadata).filter((entry) => !isForPeople(entry));

/** The rows of a form that was sent, up to the first number that has none. */
export function rowsSent(fields: Record<string, string>): MetadataRow[] {
  const rows: MetadataRow[] = [];
  for (let at = 0; fields[`name-${at}`] !== undefined; at += 1) rows.push(rowAt(fields, at));
  return rows;
}

function rowAt(fields: Record<string, string>, at: number): MetadataRow {
  const [name, value] = [fields[`before-name-${at}`], fields[`before-value-${at}`]];
  return {
    before: name === undefined || value === undefined ? null : { name, value },
    name: fields[`name-${at}`]!.trim(),
    value: fields[`value-${at}`] ?? '',
    isRemoved: fields[`remove-${at}`] !== undefined,
    fault: null,
  };
}

/** Those that are to be there afterwards. A new row that was left empty is none. */
const isKept = ({ before, name, value, isRemoved }: MetadataRow): boolean =>
  !isRemoved && (before !== null || name !== '' || value !== '');

/** The same rows, each with what is wrong with it. */
export function judged(rows: MetadataRow[], metadata: Json): MetadataRow[] {
  const taken = new Set(othersOf(metadata).map(([name]) => name));
  return rows.map((row) => {
    if (!isKept(row)) return row;
    const fault = faultOf(row.name, taken);
    taken.add(row.name);
    return { ...row, fault };
  });
}

function faultOf(name: string, taken: Set<string>): string | null {
  if (name === '') return 'Give this entry a name, or tick Remove.';
  return taken.has(name) ? 'Another entry has this name already. Choose a different one.' : null;
}

/** Only what somebody has changed, as the merge takes it, so that what others changed meanwhile stays. */
export function changesOf(rows: MetadataRow[]): Json {
  const gone = rows.filter((row) => row.before && (!isKept(row) || row.name !== row.before.name));
  const set = rows.filter((row) => isKept(row) && (row.name !== row.before?.name || row.value !== row.before.value));
  // Two entries may have changed names with each other: what is set comes last.
  const entries = [...gone.map(({ before }) => [before!.name, null]), ...set.map(({ name, value }) => [name, value])];
  return Object.fromEntries(entries) as Json;
}
