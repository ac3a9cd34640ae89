import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { busUsers } from '#contracts/bus-users.js';

const apps = join(__dirname, '../../../apps');

/** What the sources of a service say on the bus, by their own words. */
function saidBy(service: string): string[] {
  const folder = join(apps, service, 'src');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.spec)\.ts$/.test(file),
  );
  const said = files.flatMap((file) => [
    ...readFileSync(join(folder, file), 'utf8').matchAll(/\bbus\.(?:ask|broadcast)\(\s*'([a-z.-]+)'/g),
  ]);
  return [...new Set(said.map((match) => match[1]!))];
}

it.each(['connection', 'link-session'])('%s may say on the bus what it says, and nothing else', (service) => {
  expect([...busUsers[service]!.publish].sort()).toEqual(saidBy(service).sort());
});
