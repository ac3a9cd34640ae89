import { expect, it } from '@jest/globals';
import { refuseShellWords } from './postgres.js';
import { StartError } from './start-error.js';

it.each(['"', '$', '`', '\\'])(
  'a path with %s is refused, as the set-up of the database has a shell read it',
  (sign) => {
    const path = `/home/a${sign}b/native/bin`;
    expect(() => refuseShellWords(path)).toThrow(StartError);
    expect(() => refuseShellWords(path)).toThrow(`with ${sign} in it: move ${path} elsewhere`);
  },
);

it('a path with other signs is good', () => {
  expect(() => refuseShellWords("/home/it's mine (ä&b;c)/native/bin")).not.toThrow();
});
