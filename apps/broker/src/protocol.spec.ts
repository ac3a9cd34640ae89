import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createParser, type Operation } from './protocol.js';

const parse = (...chunks: string[]) => {
  const parser = createParser(100);
  return chunks.flatMap((chunk) => [...parser(Buffer.from(chunk))]);
};

describe('the protocol parser', () => {
  const session =
    'CONNECT {"user":"key"}\r\nPING\r\nSUB key.> q 7\r\nPUB a.b re.ply 5\r\nhéll\r\n' +
    'HPUB a 12 14\r\nNATS/1.0\r\n\r\nok\r\nPUB empty 0\r\n\r\nUNSUB 7 3\r\nPONG\r\n';
  const operations: Operation[] = [
    { op: 'CONNECT', options: { user: 'key' } },
    { op: 'PING' },
    { op: 'SUB', subject: 'key.>', queue: 'q', sid: '7' },
    { op: 'PUB', subject: 'a.b', reply: 're.ply', headerBytes: 0, payload: Buffer.from('héll') },
    { op: 'PUB', subject: 'a', reply: undefined, headerBytes: 12, payload: Buffer.from('NATS/1.0\r\n\r\nok') },
    { op: 'PUB', subject: 'empty', reply: undefined, headerBytes: 0, payload: Buffer.alloc(0) },
    { op: 'UNSUB', sid: '7', max: 3 },
    { op: 'PONG' },
  ];

  it('reads the same operations wherever the bytes are cut', () => {
    const bytes = Buffer.from(session);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (cuts) => {
        const ends = [...cuts, bytes.length].sort((a, b) => a - b);
        const parser = createParser(100);
        const read = ends.flatMap((end, index) => [...parser(bytes.subarray(ends[index - 1] ?? 0, end))]);
        expect(read).toEqual(operations);
      }),
    );
  });

  it.each([
    ['PUB a 101\r\n', 'Maximum Payload Violation'],
    ['PUB a -1\r\n', 'Unknown Protocol Operation'],
    ['PUB a x\r\n', 'Unknown Protocol Operation'],
    ['PUB 5\r\n', 'Unknown Protocol Operation'],
    ['PUB a b c 5\r\n', 'Unknown Protocol Operation'],
    ['HPUB a 6 5\r\n', 'Unknown Protocol Operation'],
    ['SUB a\r\n', 'Unknown Protocol Operation'],
    ['CONNECT {\r\n', 'Unknown Protocol Operation'],
    ['CONNECT null\r\n', 'Unknown Protocol Operation'],
    ['CONNECT "key"\r\n', 'Unknown Protocol Operation'],
    ['CONNECT {"user":["key"]}\r\n', 'Unknown Protocol Operation'],
    ['CONNECT {"user":"key","pass":{"toString":1,"valueOf":1}}\r\n', 'Unknown Protocol Operation'],
    ['GET / HTTP/1.1\r\n', 'Unknown Protocol Operation'],
    ['x'.repeat(4097), 'maximum control line exceeded'],
  ])('refuses %j', (line, message) => {
    expect(() => parse(line)).toThrow(message);
  });

  it('yields what came before the nonsense', () => {
    const read: Operation[] = [];
    expect(() => {
      for (const operation of createParser(100)(Buffer.from('PING\r\nNONSENSE\r\n'))) read.push(operation);
    }).toThrow('Unknown Protocol Operation');
    expect(read).toEqual([{ op: 'PING' }]);
  });
});
