import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { StreamsService } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { type AppendReq, AppendResp, type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
import { jsonEvent } from '@eventstore/db-client';
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerReadableStream,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import { signedInClient } from './signed-in-client.js';

let server: Server;
let port: number;
/** What each call has of a login. */
let logins: string[];

beforeEach(async () => {
  logins = [];
  server = new Server();
  server.addService(StreamsService, {
    read: (call: ServerWritableStream<ReadReq, ReadResp>) => {
      logins.push(call.metadata.get('authorization').join());
      call.end();
    },
    append: (call: ServerReadableStream<AppendReq, AppendResp>, reply: sendUnaryData<AppendResp>) => {
      logins.push(call.metadata.get('authorization').join());
      call
        .resume()
        .on('end', () => reply(null, new AppendResp().setSuccess(new AppendResp.Success().setCurrentRevision('7'))));
    },
  });
  port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
});
afterEach(() => {
  server.forceShutdown();
  jest.restoreAllMocks();
});

const basic = (login: string) => `Basic ${Buffer.from(login).toString('base64')}`;

it.each([
  ['admin:secret@', basic('admin:secret')],
  ['admin:a%40b%2Fc%3A%25@', basic('admin:a@b/c:%')],
  ['admin:a@b@c@', basic('admin:a@b@c')],
  ['admin:a?b@', basic('admin:a?b')],
  ['', ''],
])('what stands before the host as %s is said without TLS, too', async (before, login) => {
  const client = signedInClient(`esdb://${before}127.0.0.1:${port}?tls=false`);
  for await (const _ of client.readAll());
  await client.appendToStream('stream', jsonEvent({ type: 'Happened', data: {} }), {
    credentials: { username: 'of', password: 'a call' },
  });
  expect(logins).toEqual([login, login]);
  await client.dispose();
});

it('a warning about the connection string has no password', async () => {
  const warn = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
  const client = signedInClient(`esdb://admin:secret@127.0.0.1:${port}?tls=false&unknown=1`);
  expect(warn.mock.calls.join()).toContain('unknown=1');
  expect(warn.mock.calls.join()).not.toContain('secret');
  await client.dispose();
});
