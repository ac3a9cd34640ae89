import { afterEach, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { EventMetadata } from '#contracts/envelope.js';
import { append } from './append.js';
import type { EventStoreDBClient } from './client.js';

afterEach(() => void jest.restoreAllMocks());

it('is over for its caller in time, though the clock is set back meanwhile', async () => {
  const deadline = Date.now() + 200;
  const { now } = Date;
  const appendToStream = () => {
    jest.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    return Promise.reject(new Error('broken'));
  };
  const client = { appendToStream } as unknown as EventStoreDBClient;
  const place = { stream: 'thing-1', expected: 'no_stream', deadline } as const;
  const wanted = { events: [{ type: 'Happened' }], metadata: {} as EventMetadata, commandId: randomUUID() };
  await expect(append(client, { ...place, ...wanted })).rejects.toMatchObject({ code: 'UNAVAILABLE' });
});
