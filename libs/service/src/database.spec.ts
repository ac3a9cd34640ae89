import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { databaseOptions } from './database.js';

/** A message of Postgres: its kind, its length and what it says. */
function message(kind: string, body: string): Buffer {
  const bytes = Buffer.from(`${kind}0000${body}`, 'latin1');
  bytes.writeInt32BE(bytes.length - 1, 1);
  return bytes;
}

const dies = message('E', 'SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0');
const welcome = Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I'), dies]);

it('a database that dies in the moment in which it lets us in refuses, and does not end the process', async () => {
  const server = createServer((socket) => {
    socket.once('data', () => socket.end(welcome)).on('error', () => undefined);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const options = databaseOptions(`postgres://latchkey@127.0.0.1:${port}/latchkey`, { entities: [], migrations: [] });
  await expect(new DataSource(options).initialize()).rejects.toThrow('is not queryable');
  server.close();
});
