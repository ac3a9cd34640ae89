import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

const root = join(__dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

/** What a script of package.json runs, with the scripts it calls written out. */
const written = (name: string): string =>
  scripts[name]!.replace(/npm run (?:--silent )?([\w-]+)/g, (_, called: string) => written(called));

const isWithin = (places: string[]) => (file: string) =>
  places.some((place) => file === place || file.startsWith(`${place}/`));

const copied = (stages: string): string[] =>
  [...stages.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) => match[1]!.split(' '));

describe('the image', () => {
  const dockerfile = read('deploy/Dockerfile');
  const [beforeBuild, afterBuild] = dockerfile.split('RUN npm run build');
  const needed = written('build').match(/[\w./-]+\.(mjs|json)\b/g)!;

  it('is built from every file that the build names', () => {
    expect(needed).toEqual(expect.arrayContaining(['scripts/transpile.mjs', 'tsconfig.build.json']));
    expect(afterBuild).toBeDefined();
    expect(needed.filter((file) => !isWithin(copied(beforeBuild!))(file))).toEqual([]);
  });

  it('gets from .dockerignore what it copies', () => {
    const passing = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map((match) => match[1]!);
    expect(passing.length).toBeGreaterThan(0);
    expect(copied(dockerfile).filter((file) => !isWithin(passing)(file))).toEqual([]);
  });
});
