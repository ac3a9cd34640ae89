import { expect, it } from '@jest/globals';
import { Cli } from './cli.js';

const NEEDED = 'An API key is needed: set LATCHKEY_API_KEY or give --key.';
const apiWith = (env: NodeJS.ProcessEnv) => () =>
  new Cli({ command: { words: 'keys create' }, option: {}, has: new Set() }, { DATA_DIR: '/nowhere', ...env }).api;

it('a command without a key says how to start Latchkey where none runs and none is named', () => {
  const start = 'No Latchkey of yours runs here (/nowhere/run.json): start it with npm start. For another one:';
  expect(apiWith({})).toThrow(`${start}\n${NEEDED}`);
  expect(apiWith({ LATCHKEY_URL: 'http://localhost:8080' })).toThrow(new Error(NEEDED));
});
