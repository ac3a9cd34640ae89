import { existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { keepRunning, type PartPlan, type RunningChild } from './child.js';

const running: RunningChild[] = [];
afterEach(() => Promise.all(running.splice(0).map((child) => child.stop())));

/** Runs a line of JavaScript as a part. */
function run(script: string, more: Partial<PartPlan> = {}) {
  const pids: number[] = [];
  const crashes: [string, number][] = [];
  const told: boolean[] = [];
  const plan: PartPlan = { name: 'key', command: process.execPath, args: ['-e', script], env: {}, port: 0, ...more };
  const child = keepRunning(plan, {
    openLog: () => openSync('/dev/null', 'a'),
    started: (_plan, pid) => pids.push(pid),
    migrating: (_plan, begins) => told.push(begins),
    crashed: (_plan, { how, retryMs }) => crashes.push([how, retryMs]),
  });
  running.push(child);
  return { child, pids, crashes, told };
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 10) {
    if (waited > 10_000) throw new Error(`never: ${condition.toString()}`);
    await sleep(10);
  }
}

/** As long as another part takes to crash and be started again so often, nothing else has started either. */
async function anotherStarts(times: number): Promise<void> {
  const { pids } = run('process.exit(1)');
  await until(() => pids.length === times);
}

describe('a part', () => {
  it('is started again after each crash, after a wait that doubles', async () => {
    const { pids, crashes } = run('process.exit(3)');
    await until(() => crashes.length === 4);
    expect(crashes.map(([, retryMs]) => retryMs)).toEqual([100, 200, 400, 800]);
    expect(new Set(crashes.map(([how]) => how))).toEqual(new Set(['exit code 3']));
    expect(new Set(pids).size).toBe(4);
  });

  it('is tried again when its program is not there', async () => {
    const { crashes } = run('', { command: '/no/such/program' });
    await until(() => crashes.length === 2);
    expect(crashes[0]![0]).toContain('ENOENT');
  });

  it('is tried again when it cannot be prepared, as on a full disk', async () => {
    let prepared = 0;
    const beforeStart = () => {
      if (++prepared > 1) throw new Error('ENOSPC: no space left on device');
    };
    const { crashes } = run('process.exit(3)', { beforeStart });
    await until(() => crashes.length === 3);
    const full = 'ENOSPC: no space left on device';
    expect(crashes).toEqual([
      ['exit code 3', 100],
      [full, 200],
      [full, 400],
    ]);
  });

  it('tells when it changes its tables, and is done with it at the latest when it ends', async () => {
    const script = `process.send({ migrating: true }, () => process.exit(3))`;
    const { told, crashes } = run(script, { tells: true });
    await until(() => crashes.length === 1);
    expect(told).toEqual([true, false]);
  });

  it('gets its preparation before each start', async () => {
    let prepared = 0;
    const { crashes } = run('process.exit(0)', { beforeStart: () => prepared++ });
    await until(() => crashes.length === 2);
    expect(prepared).toBe(2);
  });

  it('is not started again once it was told to stop', async () => {
    const { child, pids, crashes } = run('setInterval(() => {}, 1000)');
    await until(() => pids.length === 1);
    await child.stop();
    await anotherStarts(3);
    expect(pids).toHaveLength(1);
    expect(crashes).toEqual([]);
  });

  it('is not started again when it is stopped while it waits', async () => {
    const { child, pids, crashes } = run('process.exit(1)');
    await until(() => crashes.length === 2);
    await child.stop();
    await anotherStarts(4);
    expect(pids).toHaveLength(2);
  });

  describe('that does not end when it is told to', () => {
    let folder: string;
    beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'latchkey-child-'))));
    afterEach(() => rmSync(folder, { recursive: true }));

    /** Runs one that does this on SIGTERM; `write` leaves a file of a name in its folder. */
    async function runStubborn(onSignal: string, more: Partial<PartPlan> = {}) {
      const write = "const write = (name) => require('node:fs').writeFileSync(`${process.env.FOLDER}/${name}`, '');";
      const script = `${write} process.on('SIGTERM', () => {${onSignal}}); setInterval(() => {}, 1000); write('ready')`;
      const part = run(script, { env: { FOLDER: folder }, ...more });
      await until(() => existsSync(join(folder, 'ready')));
      return part;
    }

    it('ends by force', async () => {
      const { child, pids } = await runStubborn('');
      const startedAt = Date.now();
      await child.stop();
      expect(Date.now() - startedAt).toBeGreaterThan(4500);
      expect(() => process.kill(pids[0]!, 0)).toThrow('ESRCH');
    }, 15_000);

    it('has longer when its plan says so, as that of a service', async () => {
      const { child } = await runStubborn(`setTimeout(() => { write('done'); process.exit() }, 5500)`, {
        stopWithinMs: 30_000,
      });
      await child.stop();
      expect(existsSync(join(folder, 'done'))).toBe(true);
    }, 15_000);
  });
});
