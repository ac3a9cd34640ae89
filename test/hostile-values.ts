import { randomBytes } from 'node:crypto';

/** What comes in where an interface is open to everybody: texts and bytes that no route should take. */

/** Has the shape of an id, and nobody has it. */
export const UNKNOWN = '00000000-0000-4000-8000-000000000000';

const nested = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth);
export const HOSTILE_BODIES: [string, string | Buffer][] = [
  ['null', 'null'],
  ['a list', '[]'],
  ['a string', '"x"'],
  ['a number', '1'],
  ['half an object', '{'],
  ['no value', '{"name":}'],
  ['single quotes', "{'name':'x'}"],
  ['a trailing comma', '{"name":"x",}'],
  ['a comment', '{"name":"x"/**/}'],
  ['NaN', '{"name":NaN}'],
  ['two objects', '{"name":"x"}{"name":"y"}'],
  ['a raw NUL', '{"name":"\0"}'],
  ['only white space', ' \n\t '],
  ['broken UTF-8', Buffer.from([0x7b, 0x22, 0x6e, 0x22, 0x3a, 0x22, 0xc3, 0x28, 0x22, 0x7d])],
  ['an overlong slash', Buffer.from([0x7b, 0x22, 0xc0, 0xaf, 0x22, 0x3a, 0x31, 0x7d])],
  ['UTF-16', Buffer.from('{"name":"x"}', 'utf16le')],
  ['random bytes', randomBytes(500)],
  ['5,000 lists', `{"name":${nested(5_000, '[', ']')}}`],
  ['5,000 objects', `{"name":${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}}`],
  ['5,000 lists that never end', '['.repeat(5_000)],
  ['__proto__', '{"__proto__":{"name":"x"},"user_id":"x"}'],
  ['__proto__ deep inside', '{"name":"x","user_id":{"a":{"__proto__":{"b":1}}}}'],
  ['constructor.prototype', '{"constructor":{"prototype":{"name":"x"}}}'],
  ['100 KB of text', `{"name":"${'x'.repeat(100_000)}"}`],
  ['100 KB of numbers', `{"name":[${'1,'.repeat(50_000)}1]}`],
  ['a number of 60,000 digits', `{"name":${'9'.repeat(60_000)}}`],
];

/** As much of a JSON schema as it takes to know what does not fit it. */
export interface Schema {
  type?: string | string[];
  anyOf?: Schema[];
  enum?: unknown[];
}

/** JSON texts that are no value of this field: other types, and numbers and words out of range. */
export function wrongValues(schema: Schema): string[] {
  const types = [schema, ...(schema.anyOf ?? [])].flatMap(({ type }) => type ?? []);
  const ofType: Record<string, string[]> = {
    string: ['"x"'],
    boolean: ['true', 'false'],
    integer: ['1', '1.5', '-1', '1e400', '1e308', '9007199254740993', '-0.1'],
    array: ['[]', '[[]]', '[1]'],
    object: ['{}', '{"toString":1}'],
  };
  const others = Object.keys(ofType).filter((type) => !types.includes(type));
  const within = [
    ...(types.includes('integer') ? ['1.5', '-1', '1e400', '1e308', '-1e308', '9007199254740993'] : []),
    ...(types.includes('array') ? ['[1]', '[null]', '[[]]', '["\\u0000"]'] : []),
    ...(types.includes('object') ? ['{"a":"\\u0000"}', '{"\\ud800":"x"}'] : []),
    ...(types.includes('string') ? ['"\\u0000"', '"\\ud800"', `"${'é'.repeat(5_000)}"`] : []),
    ...(schema.anyOf?.some((one) => one.enum) ? ['"PLAID"', '"plaid "', '"__proto__"', '"toString"'] : []),
  ];
  return [...others.flatMap((type) => ofType[type]!), ...within];
}

export const ODD_IDS = [
  ...['..', '.', '%2e%2e', '%2e%2e%2f%2e%2e%2fetc%2fpasswd', '%00', 'a%00b', '%ff', '%c3%28', '%', '%zz', '%u0000'],
  ...['*', '%3E', 'a.b', '%0d%0aSet-Cookie:%20a=b', '%2F', 'undefined', 'null', '-1', '%20', '1e9', '__proto__'],
  ...['constructor', 'toString', "'%20or%201=1--", '%22;drop%20table%20users;--', '%F0%9F%92%A9', '%E2%80%AE', 'conn_'],
  ...['conn_zzzzzzzzzzzzzzzzzzzzzz', `${'0'.repeat(8)}-0000-0000-0000-00000000000g`, '{id}', '$%7B7*7%7D', '::1'],
  ...[UNKNOWN, UNKNOWN.toUpperCase(), 'ZZZZZZZZ', 'x'.repeat(99), 'x'.repeat(5_000)],
];

const b64 = (text: string) => Buffer.from(text).toString('base64url');
const ODD_CURSORS = [
  ...[
    'x',
    '=',
    '%00',
    'a'.repeat(499),
    'a'.repeat(5_000),
    b64('{}'),
    b64('-1'),
    b64('1e9'),
    b64('99999999999999999999'),
  ],
  ...[b64('0x10'), b64(' 1'), b64('1; drop table users'), b64(`2026-01-01T00:00:00.000Z ${'-'.repeat(36)}`)],
  ...[b64(`2026-01-01T00:00:00.000Z ${'0'.repeat(36)}`), b64(`9999-99-99T99:99:99.999Z ${UNKNOWN.slice(1)}-`)],
];
export const ODD_VALUES: Record<string, string[]> = {
  limit: ['0', '-1', '1.5', '1e2', '0x10', 'NaN', '201', '99999999999999999999', '%00', '%EF%BC%91', 'x'],
  cursor: ODD_CURSORS,
  status: ['x', 'ACTIVE', 'active%00', '__proto__', 'x'.repeat(5_000)],
  order: ['x', 'asc;', 'constructor'],
};
const TIMES = [
  'x',
  '2026',
  '2026-13-01T00:00:00Z',
  '2026-02-30T25:00:00Z',
  '0000-00-00T00:00:00Z',
  `${'9'.repeat(300)}`,
];
for (const name of ['created_after', 'created_before', 'from', 'to']) ODD_VALUES[name] = TIMES;
for (const name of ['user_id', 'connection_id']) ODD_VALUES[name] = ['%00', "'", 'x'.repeat(5_000), '%F0%9F%92%A9'];
/** For whatever takes any text. */
export const ODD_TEXTS = ['%00', 'x'.repeat(5_000)];
