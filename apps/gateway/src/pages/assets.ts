import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { pagesFolder } from './package-root.js';

const types: Record<string, string> = { '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };

export interface Asset {
  name: string;
  type: string;
  body: Buffer;
}

/** The page's style and script, read once. A name holds the hash of its content, so that a browser may keep it for ever. */
const folder = join(pagesFolder, 'assets');
const named = readdirSync(folder).map((file): [string, Asset] => {
  const body = readFileSync(join(folder, file));
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12);
  const extension = extname(file);
  return [file, { name: `${file.slice(0, -extension.length)}.${hash}${extension}`, type: types[extension]!, body }];
});

const byFile = new Map(named);
const byName = new Map(named.map(([, asset]) => [asset.name, asset]));

/** The path under which a file of the assets folder is served. */
export const assetPath = (file: string): string => `/assets/pages/${byFile.get(file)!.name}`;

export const findAsset = (name: string): Asset | undefined => byName.get(name);
