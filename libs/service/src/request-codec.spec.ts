import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { contextFor, newTenant } from '#testing/callers.js';
import { decodeRequest, type BusRequest, encodeRequest } from './request-codec.js';

const sent = (data: object) => JSON.parse(encodeRequest('key.get', data)) as BusRequest;

describe('the deadline of a request', () => {
  beforeEach(() => void jest.useFakeTimers({ now: Date.parse('2026-01-01T12:00:00.000Z') }));
  afterEach(() => void jest.useRealTimers());

  it.each([-300_000, 0, 300_000])('is as far away for a service whose clock is %i ms ahead', (ahead) => {
    const request = sent({ context: contextFor(newTenant()), id: 'x' });
    jest.setSystemTime(Date.now() + ahead);
    expect(decodeRequest(request)).toMatchObject({ context: { deadline: Date.now() + 5_000 }, id: 'x' });
  });

  it('comes nearer while a service works, also for those whom it asks', () => {
    const first = decodeRequest(sent({ context: contextFor(newTenant()) })) as object;
    jest.advanceTimersByTime(2_000);
    expect(sent(first)).toMatchObject({ left: 3_000 });
  });

  it('is none where nobody in particular asks', () => {
    expect(sent({ key_hashes: ['a'] })).not.toHaveProperty('left');
    expect(decodeRequest(sent({ key_hashes: ['a'] }))).toEqual({ key_hashes: ['a'] });
  });
});
