// Makes dist in a second, for `npm start`: what `npm run build` makes, in other words and without checking the types.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

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

const { transformFile } = await import('@swc/core').catch(({ code, message }) =>
  giveUp(code === 'ERR_MODULE_NOT_FOUND' ? 'npm start builds first: install with npm ci --include=dev.' : message),
);

const filesIn = (folder) =>
  existsSync(folder) ? readdirSync(folder, { recursive: true }).map((file) => join(folder, file)) : [];
const isSource = (file) => file.endsWith('.ts') && !file.endsWith('.spec.ts') && !file.endsWith('.d.ts');
const targetOf = (source) => join(root, 'dist', relative(root, source)).replace(/\.ts$/, '.js');
const sources = ['apps', 'libs'].flatMap((folder) => filesIn(join(root, folder))).filter(isSource);

async function transpile(source) {
  const target = targetOf(source);
  const sourceFileName = relative(dirname(target), source);
  const { code, map } = await transformFile(source, { ...options, sourceFileName });
  write(target, `${code}//# sourceMappingURL=${basename(target)}.map\n`);
  write(`${target}.map`, map);
}

/** What is there already is left alone: who may not write in a checkout can start it once it is built. */
function write(file, text) {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

function removeWhatHasNoSource() {
  const made = new Set(sources.map(targetOf));
  const found = ['apps', 'libs'].flatMap((folder) => filesIn(join(root, 'dist', folder)));
  const stale = found.filter((file) => /\.js(\.map)?$/.test(file) && !made.has(file.replace(/\.map$/, '')));
  for (const file of stale) rmSync(file, { force: true });
}

function giveUp(message) {
  console.error(message);
  process.exit(1);
}

try {
  await Promise.all(sources.map(transpile));
  removeWhatHasNoSource();
} catch (error) {
  if (!error.syscall) throw error;
  giveUp(`dist cannot be made by this user (${error.message}): as its owner, run node scripts/transpile.mjs`);
}
