import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { pagesFolder } from './pages-folder.js';

const types: Record<string, string> = { '.js': 'text/javascript; charset=utf-8' };

export interface Asset {
  name: string;
  type: string;
  body: Buffer;
  brotli: Buffer;
}

const folder = join(pagesFolder, 'assets');
const sha256 = (body: Buffer | string) => createHash('sha256').update(body);

/** The page's scripts, read once. A name holds the hash of its content, so that a browser may keep it for ever. */
const named = readdirSync(folder)
  .filter((file) => extname(file) in types)
  .map((file): [string, Asset] => {
    const body = readFileSync(join(folder, file));
    const extension = extname(file);
    const name = `${file.slice(0, -extension.length)}.${sha256(body).digest('hex').slice(0, 12)}${extension}`;
    return [file, { name, type: types[extension]!, body, brotli: brotliCompressSync(body) }];
  });

const byFile = new Map(named);
const byName = new Map(named.map(([, asset]) => [asset.name, asset]));

/** The path under which a file of the assets folder is served. */
export const assetPath = (file: string): string => `/assets/pages/${byFile.get(file)!.name}`;

/** For what was found alone: Nest would send a header of the route with a 404, too, which a cache would then keep for a year. */
export const keptForEver = { 'cache-control': 'public, max-age=31536000, immutable' };

export const findAsset = (name: string): Asset | undefined => byName.get(name);

/** In front of the style of every page, the dashboard's too. */
export const colours = readFileSync(join(folder, 'colours.css'), 'utf8');

/** The style stands in the page itself, which saves a slow line one way to the server and back. */
export const style = tight(colours + readFileSync(join(folder, 'link.css'), 'utf8'));

/** Without comments and indentation: a sixth of what the whole page takes on the line. */
function tight(css: string): string {
  return css
    .replace(/\/\*[^]*?\*\//g, '')
    .replace(/\s+/g, ' ')
    .replace(/ ?([{};,]) ?/g, '$1')
    .replace(/: /g, ':');
}

/** The one style that the policy of a page lets in. */
export const styleSource = `'sha256-${sha256(style).digest('base64')}'`;
