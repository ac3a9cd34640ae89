import { STEERING } from '#contracts/steering.js';

const instead = (text: string, of: (character: string) => string): string =>
  text.replace(STEERING, (character) => (character === '\n' ? character : of(character)));

/** A text of several lines as a terminal may get it: nothing in it moves, colours or turns around anything. */
export const printable = (text: string): string => instead(text, () => ' ');

/** What others wrote is part of a line and begins none. */
export const inOneLine = (text: string): string => text.replace(STEERING, ' ');

/** Lines of JSON that say the same to whoever reads them, and nothing to a terminal. */
export const printableJson = (lines: string): string =>
  instead(lines, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
