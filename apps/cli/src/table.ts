import { inOneLine } from './printable.js';

/** Rows under their column names, each column as wide as it needs. */
export function table(rows: object[], columns: string[]): string {
  const lines = [
    columns.map((name) => name.toUpperCase()),
    ...rows.map((row) => columns.map((name) => cell(row, name))),
  ];
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)));
  return lines
    .map((line) =>
      line
        .map((text, index) => text.padEnd(widths[index]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One thing, a line per field that says something. */
export function fields(thing: object): string {
  const names = Object.keys(thing).filter((name) => cell(thing, name) !== '');
  const width = Math.max(0, ...names.map((name) => name.length));
  return names.map((name) => `${name.padEnd(width)}  ${cell(thing, name)}`).join('\n');
}

/** `a.b` reaches into a field. */
function cell(row: object, path: string): string {
  const value = path
    .split('.')
    .reduce<unknown>((inner, name) => (inner as Record<string, unknown> | null)?.[name], row);
  if (value === null || value === undefined) return '';
  return inOneLine(typeof value === 'string' ? value : JSON.stringify(value));
}
