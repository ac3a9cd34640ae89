/**
 * One spelling for equal values, as RFC 8785 says: no white space, the names of an object in the order of their UTF-16
 * code units, numbers and strings as ECMAScript writes them. Fields that are undefined are not there.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  let fields = '';
  // By themselves, texts are sorted as it is wished here.
  for (const name of Object.keys(value).sort()) {
    const inner = (value as Record<string, unknown>)[name];
    if (inner !== undefined) fields += `${fields && ','}${quoted(name)}:${canonicalJson(inner)}`;
  }
  return `{${fields}}`;
}

/** What JSON writes as it stands. */
const PLAIN = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;

/** Nearly every text is written as it stands; the chain of a long timeline is made of little else. */
const quoted = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));
