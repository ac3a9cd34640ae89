import { describe, expect, it } from '@jest/globals';
import { createHmac } from 'node:crypto';
import { teller } from './teller.js';

const now = new Date('2026-01-15T12:00:00Z');
const seconds = now.getTime() / 1000;
const disconnected = JSON.stringify({
  id: 'wh_1',
  type: 'enrollment.disconnected',
  timestamp: now.toISOString(),
  payload: { enrollment_id: 'enr_1', reason: 'disconnected.account_locked' },
});

const mac = (body: string, secret = 'secret', time: number | string = seconds): string =>
  createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');

const delivered = (header: string, body = disconnected) =>
  teller({ headers: { 'teller-signature': header }, body: Buffer.from(body), secrets: ['secret'], now });

describe('a Teller webhook', () => {
  it('says that a new sign-in is needed', async () => {
    expect(await delivered(`t=${seconds},v1=${mac(disconnected)}`)).toEqual({
      deliveryId: 'wh_1',
      type: 'enrollment.disconnected',
      effect: 'login_required',
      providerItemId: 'enr_1',
      code: 'disconnected.account_locked',
    });
  });

  it('of another type is genuine without an effect', async () => {
    const body = JSON.stringify({ id: 'wh_2', type: 'webhook.test', payload: {} });
    expect(await delivered(`t=${seconds},v1=${mac(body)}`, body)).toMatchObject({ effect: 'none', providerItemId: '' });
  });

  it('has a name that can be stored, whatever its id is', async () => {
    const body = JSON.stringify({ id: 'a\0b', type: 'webhook.test', payload: {} });
    const fact = await delivered(`t=${seconds},v1=${mac(body)}`, body);
    expect(fact?.deliveryId).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(['x'.repeat(201), 'locked by\nthe bank'])('is taken in without a type or reason like %j', async (odd) => {
    const payload = { enrollment_id: 'enr_1', reason: odd };
    const read = (type: string) => {
      const body = JSON.stringify({ id: 'wh_3', type, payload });
      return delivered(`t=${seconds},v1=${mac(body)}`, body);
    };
    expect(await read(odd)).toMatchObject({ type: '', effect: 'none', code: '' });
    expect(await read('enrollment.disconnected')).toMatchObject({ effect: 'login_required', code: '' });
  });

  it('is genuine if any of its signatures is, as while the secret is being rotated', async () => {
    const [old, current] = [mac(disconnected, 'the next one'), mac(disconnected)];
    expect(await delivered(`t=${seconds},v1=${old},v1=${current}`)).not.toBeNull();
    expect(await delivered(`t=${seconds}, v1=${current}, v1=${old}`)).not.toBeNull();
  });

  it.each([179, -179])('is genuine %i seconds off', async (offset) => {
    const time = seconds + offset;
    expect(await delivered(`t=${time},v1=${mac(disconnected, 'secret', time)}`)).not.toBeNull();
  });

  it.each([
    ['old', `t=${seconds - 181},v1=${mac(disconnected, 'secret', seconds - 181)}`],
    ['early', `t=${seconds + 181},v1=${mac(disconnected, 'secret', seconds + 181)}`],
    ['signed with another secret', `t=${seconds},v1=${mac(disconnected, 'guess')}`],
    ['given another time than was signed', `t=${seconds - 1},v1=${mac(disconnected)}`],
    ['given two times', `t=${seconds},t=${seconds - 1},v1=${mac(disconnected)}`],
    ['without a time', `v1=${mac(disconnected, 'secret', 'none')}`],
    ['signed over a time that is no number', `t=NaN,v1=${mac(disconnected, 'secret', 'NaN')}`],
    ['signed in another version', `t=${seconds},v0=${mac(disconnected)}`],
    ['cut short', `t=${seconds},v1=${mac(disconnected).slice(0, 62)}`],
    ['without a header', ''],
  ])('is not believed: %s', async (_why, header) => {
    expect(await delivered(header)).toBeNull();
  });

  it.each(['{', '"text"', 'null', '{}', '{"id":1,"type":"x"}'])('that reads %s is not taken in', async (body) => {
    expect(await delivered(`t=${seconds},v1=${mac(body)}`, body)).toBeNull();
  });
});
