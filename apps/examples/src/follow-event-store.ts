import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connectEventStore } from '#eventstore/client.js';
import { follow, type StorePosition } from '#eventstore/follow.js';

/** A service of its own: hears every event of connections from the first one on, and goes on where it stopped. */
const [file = 'connections.checkpoint'] = process.argv.slice(2);

const load = (): StorePosition | null => {
  const [commit, prepare] = readFileSync(file, { encoding: 'utf8', flag: 'a+' }).split(' ');
  return commit ? { commit: BigInt(commit), prepare: BigInt(prepare!) } : null;
};

void follow({
  // It holds the password, and the arguments of a process are everybody's to read.
  client: connectEventStore(process.env['EVENTSTORE_URL'] ?? 'esdb://127.0.0.1:2113?tls=false'),
  prefixes: ['connection-'],
  load: () => Promise.resolve(load()),
  apply: ({ events, position }) => {
    for (const { commit, stream, event } of events) console.log(String(commit), event.type, stream);
    // Only now: what was printed before a crash here is printed again. Renamed, so that a crash leaves a whole file.
    writeFileSync(`${file}.new`, `${position.commit} ${position.prepare}`);
    renameSync(`${file}.new`, file);
    return Promise.resolve();
  },
  onFailure: (error) => console.error(`${String(error)}; going on from the checkpoint`),
  onCaughtUp: () => console.error('caught up'),
  signal: new AbortController().signal,
});
