import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { colours } from '../pages/assets.js';
import { pagesFolder } from '../pages/pages-folder.js';

const types: Record<string, string> = { '.css': 'text/css; charset=utf-8', '.js': 'text/javascript; charset=utf-8' };
const folder = join(pagesFolder, '../admin/assets');

/** The dashboard's style and scripts, read once. A name holds the hash of its content, so that browsers may keep it for ever. */
const files = readdirSync(folder).map((file) => {
  const own = readFileSync(join(folder, file));
  const body = file.endsWith('.css') ? Buffer.concat([Buffer.from(colours), own]) : own;
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12);
  const extension = extname(file);
  return { file, name: `${file.slice(0, -extension.length)}.${hash}${extension}`, type: types[extension]!, body };
});

export const adminAssetPath = (file: string): string =>
  `/assets/admin/${files.find((asset) => asset.file === file)!.name}`;

export const findAdminAsset = (name: string) => files.find((asset) => asset.name === name);
