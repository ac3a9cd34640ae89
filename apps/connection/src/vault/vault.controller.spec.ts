import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import type { Bus } from '#service/bus.js';
import { logger } from '#service/logger.js';
import type { Store } from '#service/store.js';
import { contextFor, newTenant } from '#testing/callers.js';
import { MemoryStreams } from '#testing/memory-streams.js';
import { KeyRing } from './key-ring.js';
import { KeyRotation } from './key-rotation.js';
import { VaultController } from './vault.controller.js';

const dir = mkdtempSync(join(tmpdir(), 'vault-'));
afterEach(() => rmSync(dir, { recursive: true }));

const newKey = () => randomBytes(32).toString('base64');
const [first, second] = [newKey(), newKey()];
const file = join(dir, 'vault.key');

/** Replicas on one bus, with one file of keys, over a vault that is empty. */
function replicas(count: number) {
  const hear: (() => void)[] = [];
  const bus = {
    listen: (_: string, callback: () => void) => void hear.push(callback),
    broadcast: () => Promise.resolve(hear.forEach((callback) => callback())),
  } as unknown as Bus;
  const store = { client: new MemoryStreams() } as unknown as Store;
  const dataSource = { query: () => Promise.resolve([]) } as unknown as DataSource;
  return Array.from({ length: count }, () => {
    const ring = new KeyRing({ VAULT_KEK_FILE: file });
    return { ring, controller: new VaultController(store, new KeyRotation(ring, dataSource), bus) };
  });
}

it('a rotation that one replica is asked for has every replica read the keys again', async () => {
  logger.level = 'silent';
  writeFileSync(file, `1:${first}\n2:${second}`);
  const all = replicas(3);
  const rotateWith = async (text: string) => {
    writeFileSync(file, text);
    await all[0]!.controller.rotate({ context: contextFor(newTenant()) });
    return all.map(({ ring }) => ring.current());
  };
  expect(await rotateWith(`1:${first}`)).toEqual([1, 1, 1]);
  expect(await rotateWith(`1:${first}\n2:${second}\n3:${newKey()}`)).toEqual([3, 3, 3]);
});
