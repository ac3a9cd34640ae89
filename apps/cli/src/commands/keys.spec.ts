import { describe, expect, it } from '@jest/globals';
import { parse } from '../arguments.js';
import { Cli } from '../cli.js';
import { keyCommands } from './keys.js';

describe('keys create', () => {
  it.each(['tset', 'TEST', ''])('makes no key for the environment %j', async (env) => {
    const given = parse(['keys', 'create', '--name', 'ci', `--env=${env}`], keyCommands);
    const cli = new Cli(given, {
      DATA_DIR: '/nowhere',
      LATCHKEY_API_KEY: 'bb_none',
      LATCHKEY_URL: 'http://127.0.0.1:9',
    });
    await expect(given.command.run(given, cli)).rejects.toThrow('env must be "live" or "test"');
  });
});
