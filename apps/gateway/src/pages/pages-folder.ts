import { join } from 'node:path';
import { packageRoot } from '#service/package-root.js';

/** Templates and assets are read from the source tree, because the compiler copies only its own files. */
export const pagesFolder = join(packageRoot(__dirname), 'apps/gateway/src/pages');
