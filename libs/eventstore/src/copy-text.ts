import type { ColumnType, EntityMetadata } from 'typeorm';

export interface Column {
  name: string;
  kind: 'json' | 'array' | 'plain';
}

export const columnsOf = ({ columns }: Pick<EntityMetadata, 'columns'>): Column[] =>
  columns.map(({ databaseName: name, type, isArray }) => ({
    name,
    kind: kindOf(type, isArray),
  }));

function kindOf(type: ColumnType, isArray: boolean): Column['kind'] {
  if (isArray) return 'array';
  return type === 'json' || type === 'jsonb' ? 'json' : 'plain';
}

/**
 * Rows as `copy … from stdin` reads them; the same rows as JSON would make the same table. Null when that cannot be
 * promised: a value is of an unusual kind, or text is broken, which JSON is refused for and here would be mended.
 */
export function copyText(rows: object[], columns: Column[]): string | null {
  let text = '';
  for (const row of rows) {
    let separator = '';
    for (const { name, kind } of columns) {
      const field = written[kind]((row as Record<string, unknown>)[name]);
      if (field === null) return null;
      text += separator + field;
      separator = '\t';
    }
    text += '\n';
  }
  return text.isWellFormed() ? text : null;
}

const NOTHING = '\\N';

const written: Record<Column['kind'], (value: unknown) => string | null> = {
  plain(value) {
    if (typeof value === 'string') return escaped(value);
    if (value === null || value === undefined) return NOTHING;
    return typeof value === 'boolean' || Number.isSafeInteger(value) ? `${value as boolean | number}` : null;
  },
  json: (value) => (value === null || value === undefined ? NOTHING : escaped(JSON.stringify(value))),
  array(value) {
    if (value === null || value === undefined) return NOTHING;
    if (!Array.isArray(value) || !value.every((item): item is string => typeof item === 'string')) return null;
    return escaped(`{${value.map((item) => `"${item.replace(/["\\]/g, '\\$&')}"`).join(',')}}`);
  },
};

const SPECIAL = /[\\\n\r\t]/;
const escapes: Record<string, string> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const escaped = (text: string): string =>
  SPECIAL.test(text) ? text.replace(/[\\\n\r\t]/g, (special) => escapes[special]!) : text;
