import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { openText, sealText, type TextPlace } from './sealed-text.js';

const key = { number: 0, bytes: randomBytes(32) };
const place: TextPlace = { stream: 'user-1', event_id: 'e-1' };
const created = { type: 'UserCreated', id: '1', name: 'Ada Lovelace ✓', email: 'ada@example.com', at: 'noon' };
type Stored = typeof created & { personal: { key_number: number; text: Record<string, string> } };

describe('personal text in an event', () => {
  it('is stored as if it were erased, with the sealed text beside it, and comes back as it was', () => {
    const stored = sealText(created, place, key);
    expect(stored).toMatchObject({ ...created, name: '', email: null, personal: { key_number: 0 } });
    expect(JSON.stringify(stored)).not.toMatch(/Ada|example/);
    expect(openText(stored, place, key.bytes)).toEqual(created);
  });

  it('is whatever JSON holds', () => {
    const changed = { type: 'MetadataChanged', connection_metadata: { note: 'Ada', list: [1, null] }, at: 'noon' };
    expect(openText(sealText(changed, place, key), place, key.bytes)).toEqual(changed);
  });

  it('leaves alone what says nothing about anybody', () => {
    const stored = sealText({ ...created, email: null as string | null }, place, key) as Stored;
    expect(Object.keys(stored.personal.text)).toEqual(['name']);
  });

  it('does not show its length', () => {
    const length = (name: string) =>
      (sealText({ ...created, name }, place, key) as Stored).personal.text['name']!.length;
    expect(length('Al')).toBe(length('Wolfeschlegelsteinhausen'));
  });

  it('is as good as erased without its key, or with another', () => {
    const stored = sealText(created, place, key);
    const erased = { ...created, name: '', email: null };
    expect(openText(stored, place, undefined)).toEqual(erased);
    expect(openText(stored, place, randomBytes(32))).toEqual(erased);
  });

  it('opens in no other place, and under no other number', () => {
    const stored = sealText(created, place, key) as Stored;
    const erased = { ...created, name: '', email: null };
    expect(openText(stored, { ...place, stream: 'user-2' }, key.bytes)).toEqual(erased);
    expect(openText(stored, { ...place, event_id: 'e-2' }, key.bytes)).toEqual(erased);
    const { text } = stored.personal;
    expect(openText({ ...stored, personal: { key_number: 1, text } }, place, key.bytes)).toEqual(erased);
    const swapped = { name: text['email']!, email: text['name']! };
    expect(openText({ ...stored, personal: { key_number: 0, text: swapped } }, place, key.bytes)).toEqual(erased);
  });

  it('does not open when a byte of it has changed', () => {
    const stored = sealText(created, place, key) as Stored;
    const bytes = Buffer.from(stored.personal.text['name']!, 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      const text = { ...stored.personal.text, name: changed.toString('base64url') };
      expect(openText({ ...stored, personal: { key_number: 0, text } }, place, key.bytes).name).toBe('');
    }
  });

  it('reads an event from before texts were sealed as it stands', () => {
    expect(openText(created, place, key.bytes)).toEqual(created);
  });
});

describe('an event that was sealed by the first version', () => {
  const golden = {
    type: 'UserCreated',
    id: '1',
    name: '',
    email: null,
    at: '2026-01-01T12:00:00.000Z',
    personal: {
      key_number: 0,
      text: {
        name: 'CmMaehejqR9C58hQnz5_QOoyiiEJuelLxdV6ISfyS6UFj7ODpCiHKkaABbMTbBWYI9fabkDH_O6iPKrH',
        email: 'uegtEGmT6RIeH6K9JTgJGnSX1Q5v58cYxSMhwGyMlk4G80KgpXyp8EJuWGEowBFfxiC30N5FMkh-BrA2',
      },
    },
  };

  it('still opens to the same text', () => {
    expect(openText(golden, place, Buffer.alloc(32, 7))).toEqual({
      type: 'UserCreated',
      id: '1',
      name: 'Ada Lovelace ✓',
      email: 'ada@example.com',
      at: '2026-01-01T12:00:00.000Z',
    });
  });
});
