import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const FOLDER = join(__dirname, 'pictures');
/** An approved picture has one pixel for so many of the screen: what is compared is where things stand, not their edges. */
const SHRINK = 4;
/** Of an approved picture, as WebP counts it: enough to see where things stand, in a fifth of what a PNG takes. */
const QUALITY = 0.7;
/** What is another one each time, such as a code or a key. */
const CHANGING = '.qr svg, svg.qr, #secret, [aria-label="Versions"] dd';
const schemes = ['light', 'dark'] as const;
/** A channel that differs by less (of 255) is the same, and so is a picture with a smaller share of other pixels. */
const SAME_CHANNEL = 40;
const SAME_PICTURE = 0.02;

/** `npm run pictures` approves what there is to see now. */
export const isApproving = process.env['APPROVE_PICTURES'] === '1';

const fontsFile = join(FOLDER, 'fonts.json');
/** How wide a sentence is in the fonts of this machine. Other fonts break lines elsewhere: then nothing can be compared. */
const measure = `(() => {
  const text = document.createElement('canvas').getContext('2d');
  return ['400 16px system-ui', '650 26px system-ui', '400 14px sans-serif'].map((font) => {
    text.font = font;
    return Math.round(text.measureText('Quick pages that everybody trusts').width);
  });
})()`;

/** Whether pictures taken here can be compared with the approved ones. Says loudly when they cannot. */
export async function canCompare(page: Page): Promise<boolean> {
  const fonts = JSON.stringify(await page.evaluate(measure));
  mkdirSync(FOLDER, { recursive: true });
  if (isApproving) writeFileSync(fontsFile, `${fonts}\n`);
  const same = existsSync(fontsFile) && readFileSync(fontsFile, 'utf8').trim() === fonts;
  if (!same) process.stderr.write('PICTURES NOT COMPARED: this machine has other fonts than the approved pictures.\n');
  return same;
}

interface Shown {
  name: string;
  /** What each size of the screen is called. */
  sizes: Record<string, { width: number; height: number }>;
}

/** How the page differs from its approved pictures in light and in dark, at each size; nothing when it does not. */
export async function differences(page: Page, desk: Page, { name, sizes }: Shown): Promise<string[]> {
  const found: (string | null)[] = [];
  // One that stands behind another is painted once in a second.
  await page.bringToFront();
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      found.push(await difference(page, desk, `${name} ${size} ${colorScheme}`));
    }
  }
  return found.filter((one) => one !== null);
}

/** Null when the page looks as in its approved picture. */
async function difference(page: Page, desk: Page, name: string): Promise<string | null> {
  const file = join(FOLDER, `${name.replaceAll(' ', '-')}.webp`);
  const mask = [page.locator(CHANGING)];
  const taken = await page.screenshot({ animations: 'disabled', caret: 'hide', mask, maskColor: 'gray' });
  const small = await desk.evaluate<string>(`(${shrink})(${JSON.stringify(dataUrl(taken))}, ${SHRINK}, ${QUALITY})`);
  if (isApproving) writeFileSync(file, Buffer.from(small.split(',')[1]!, 'base64'));
  if (!existsSync(file)) return `${name} has no approved picture: look at it, then npm run pictures`;
  const approved = dataUrl(readFileSync(file), 'webp');
  if (small === approved) return null;
  const urls = JSON.stringify([small, approved]);
  const share = await desk.evaluate<number>(`(${compare})(...${urls}, ${SAME_CHANNEL})`);
  return share <= SAME_PICTURE ? null : `${name}: ${(share * 100).toFixed(1)} % of it looks otherwise`;
}

/** Pictures beside each other, as one PNG. */
export async function beside(desk: Page, pictures: Buffer[]): Promise<Buffer> {
  const url = await desk.evaluate<string>(
    `(${joinPictures})(${JSON.stringify(pictures.map((picture) => dataUrl(picture)))})`,
  );
  return Buffer.from(url.split(',')[1]!, 'base64');
}

const dataUrl = (picture: Buffer, format = 'png'): string =>
  `data:image/${format};base64,${picture.toString('base64')}`;

/* What follows runs in the browser, which can read pictures. */

const load = `const load = async (url) => { const image = new Image(); image.src = url; await image.decode(); return image; };
  const canvasOf = (width, height) => Object.assign(document.createElement('canvas'), { width, height });`;

const shrink = `async (url, by, quality) => {
  ${load}
  const image = await load(url);
  const canvas = canvasOf(Math.round(image.width / by), Math.round(image.height / by));
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL('image/webp', quality);
}`;

const compare = `async (one, other, same) => {
  ${load}
  const [a, b] = await Promise.all([load(one), load(other)]);
  if (a.width !== b.width || a.height !== b.height) return 1;
  const [x, y] = [a, b].map((image) => {
    const context = canvasOf(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height).data;
  });
  let others = 0;
  for (let at = 0; at < x.length; at += 4) {
    if ([0, 1, 2].some((channel) => Math.abs(x[at + channel] - y[at + channel]) > same)) others += 1;
  }
  return others / (x.length / 4);
}`;

const joinPictures = `async (urls) => {
  ${load}
  const images = await Promise.all(urls.map(load));
  const canvas = canvasOf(images.reduce((sum, { width }) => sum + width, 0), Math.max(...images.map(({ height }) => height)));
  let left = 0;
  for (const image of images) {
    canvas.getContext('2d').drawImage(image, left, 0);
    left += image.width;
  }
  return canvas.toDataURL('image/png');
}`;
