const WINDOW = 8;
const MOST_DETAIL = 300;
const WITHHELD = "the provider's text repeats the credential and is withheld.";

/**
 * The provider's words in one line, or a note in their place if they hold eight characters in a row of anything hidden, as
 * it is, turned around, or in hex, Base64 or percent-encoding, in either case and with any characters in between that are no
 * letter or digit. Cutting out only what fits exactly would leave what does not.
 */
export function withoutSecrets(text: string, hidden: readonly string[]): string {
  const present = windowsOf(text);
  const whole = hidden.some((secret) => secret !== '' && text.includes(secret));
  if (whole || hidden.flatMap(formsOf).some((form) => leaks(form, present))) return WITHHELD;
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\s]+/g, ' ').trim();
  return line.length > MOST_DETAIL ? `${line.slice(0, MOST_DETAIL)}…` : line;
}

/** A hidden text shorter than a window counts only as a whole. */
function leaks(form: string, { text, windows }: { text: string; windows: Set<string> }): boolean {
  if (form.length === 0) return false;
  if (form.length < WINDOW) return text.includes(form);
  for (let at = 0; at + WINDOW <= form.length; at += 1) if (windows.has(form.slice(at, at + WINDOW))) return true;
  return false;
}

function windowsOf(raw: string): { text: string; windows: Set<string> } {
  const text = bare(raw);
  const windows = new Set<string>();
  for (let at = 0; at + WINDOW <= text.length; at += 1) windows.add(text.slice(at, at + WINDOW));
  return { text, windows };
}

const bare = (text: string): string =>
  text
    .toLowerCase()
    .replace(/\\[nrt]/g, '')
    .replace(/[^a-z0-9]/g, '');

/** Base64 has three forms of a text inside a longer one, by where it begins; their first and last characters depend on it. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64url')
      .slice(shift === 0 ? 0 : shift + 1),
  );
  const reversed = [...secret].reverse().join('');
  return [secret, reversed, encodeURIComponent(bytes.toString()), bytes.toString('hex'), ...base64].map(bare);
}
