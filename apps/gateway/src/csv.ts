import type { ExportLine } from '#contracts/audit-chain.js';

const columns: Record<string, (line: ExportLine) => unknown> = {
  seq: (line) => line.seq,
  position: (line) => line.position,
  id: (line) => line.id,
  at: (line) => line.at,
  type: (line) => line.type,
  subject_kind: (line) => line.subject.kind,
  subject_id: (line) => line.subject.id,
  subject_short_id: (line) => line.subject.short_id,
  label: (line) => line.opened.label ?? line.label,
  summary: (line) => line.opened.summary,
  actor_type: (line) => line.actor.type,
  actor_id: (line) => line.actor.id,
  actor_name: (line) => line.actor.name,
  request_id: (line) => line.request_id,
  address: (line) => line.origin.address,
  key_prefix: (line) => line.origin.key_prefix,
  data: (line) => line.opened.data ?? line.data,
  hash: (line) => line.hash,
};

export const csvHead = `${Object.keys(columns).join(',')}\r\n`;

/** One record of RFC 4180. */
export const csvRecord = (line: ExportLine): string =>
  `${Object.values(columns)
    .map((column) => cell(column(line)))
    .join(',')}\r\n`;

/**
 * What a spreadsheet would take for a formula gets a quote in front, which it shows as the text. Where its lists are separated by
 * `;` or a tab, a cell begins behind each of these and each new line, whatever is quoted here; JSON can say `;` otherwise.
 */
function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  const safe =
    typeof value === 'string'
      ? value.replace(/^(?=[=+\-@\t\r\n])|(?<=[;\t\r\n])(?="*[=+\-@])/g, "'")
      : JSON.stringify(value).replace(/;(?=[=+\-@])/g, '\\u003b');
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
