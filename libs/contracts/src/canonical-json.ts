/**
 * One spelling for equal values, as RFC 8785 says: no white space, the names of an object in the order of their UTF-16
 * code units, numbers and strings as ECMAScript writes them. Fields that are undefined are not there.
 */
export const canonicalJson = (value: unknown): string =>
  hasFixedOrder(value) ? spelled(value) : JSON.stringify(inOrder(value));

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** An object has its numbers first, whenever they came, and its prototype behind a name. */
function hasFixedOrder(value: unknown): boolean {
  if (!isObject(value)) return false;
  if (Array.isArray(value)) return value.some(hasFixedOrder);
  for (const name of Object.keys(value)) {
    const isFixed = name < ':' ? name >= '0' : name === '__proto__';
    if (isFixed || hasFixedOrder((value as Fields)[name])) return true;
  }
  return false;
}

/** Written by the language itself, a copy in the right order takes half the time; a long timeline consists of them. */
function inOrder(value: unknown): unknown {
  if (!isObject(value)) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const ordered: Fields = {};
  // By themselves, texts are sorted as it is wished here.
  for (const name of Object.keys(value).sort()) ordered[name] = inOrder((value as Fields)[name]);
  return ordered;
}

function spelled(value: unknown): string {
  if (!isObject(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => spelled(item ?? null)).join(',')}]`;
  const fields = Object.keys(value)
    .sort()
    .map((name) => [name, (value as Fields)[name]] as const)
    .filter(([, inner]) => inner !== undefined);
  return `{${fields.map(([name, inner]) => `${JSON.stringify(name)}:${spelled(inner)}`).join(',')}}`;
}
