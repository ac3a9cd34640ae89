// Makes dist in a second, for `npm start`: the same output as `npm run build`, without checking the types.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transformFile } from '@swc/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const options = {
  cwd: root,
  swcrc: false,
  sourceMaps: true,
  jsc: {
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true },
    target: 'es2022',
  },
  // Dynamic imports stay what they are, as tsc leaves them: some packages are ES modules only.
  module: { type: 'commonjs', ignoreDynamic: true },
};

const isSource = (file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.endsWith('.d.ts');
const sources = ['apps', 'libs'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true }).map((file) => join(root, folder, file)),
);

async function transpile(source) {
  const target = join(root, 'dist', relative(root, source)).replace(/\.ts$/, '.js');
  const sourceFileName = relative(dirname(target), source);
  const { code, map } = await transformFile(source, { ...options, sourceFileName });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, `${code}//# sourceMappingURL=${basename(target)}.map\n`);
  writeFileSync(`${target}.map`, map);
}

await Promise.all(sources.filter(isSource).map(transpile));
