/** Is this a subject one can subscribe to? `*` and `>` stand for whole tokens, `>` only at the end. */
export function isSubject(subject: string): boolean {
  const tokens = subject.split('.');
  return tokens.every((token, index) => token !== '' && (token !== '>' || index === tokens.length - 1));
}

/**
 * Does `pattern` allow all that `subject` names? The subject may hold wildcards itself: `key.>` covers `key.*`,
 * but `key.*` does not cover `key.>`.
 */
export function covers(pattern: string, subject: string): boolean {
  const wanted = subject.split('.');
  const allowed = pattern.split('.');
  for (const [index, token] of allowed.entries()) {
    const name = wanted[index];
    if (name === undefined || name === '') return false;
    if (token === '>') return !wanted.includes('', index);
    if (name === '>' || (token !== '*' && token !== name)) return false;
  }
  return allowed.length === wanted.length;
}
