import { describe, expect, it } from '@jest/globals';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type Progress, watched } from './export-progress.js';

async function pass(format: Progress['format'], chunks: string[], { entries = 9, isExact = false } = {}) {
  const shown: [string, boolean][] = [];
  const show: Progress['show'] = (line, ended) => shown.push([line, ended]);
  const progress: Progress = { format, entries, isExact, show };
  const out = await buffer(Readable.from(chunks.map((chunk) => Buffer.from(chunk))).pipe(watched(progress)));
  return { out: out.toString(), last: shown.at(-1)! };
}

describe('the progress of an export', () => {
  it('is counted in entries and bytes, and leaves the file as it is', async () => {
    const { out, last } = await pass('ndjson', ['{"a":"\\""}\n{"', 'b":1}\n']);
    expect(out).toBe('{"a":"\\""}\n{"b":1}\n');
    expect(last).toEqual([expect.stringMatching(/^2 of about 9 entries, \d+\/s, 0\.0 MB$/), true]);
  });

  it('takes neither the head of a CSV file nor a line within a cell for an entry', async () => {
    const { last } = await pass('csv', ['id,label\n1,"two ""', 'lines""\nof it"\n2,x\n']);
    expect(last[0]).toMatch(/^2 of /);
  });

  it('says 0 entries for an export that is empty', async () => {
    expect((await pass('csv', [])).last[0]).toMatch(/^0 of /);
  });

  it.each([
    ['ndjson', ['{"a":1}\n{"b":']],
    ['csv', ['id,label\r\n1,"two\r\nlines"\r\n']],
  ] as const)('is no end where fewer come than exactly so many: %s', async (format, chunks) => {
    const exactly = (entries: number) => pass(format, [...chunks], { entries, isExact: true });
    await expect(exactly(2)).rejects.toThrow('1 of 2 entries came');
    expect((await exactly(1)).last[0]).toMatch(/^1 of 1 entries/);
  });
});
