import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from './package-root.js';

const file = readFileSync(join(packageRoot(__dirname), 'package.json'), 'utf8');

/** Of Latchkey, as this process runs it. Read once: another version is another process. */
export const { version } = JSON.parse(file) as { version: string };
