import { describe, expect, it } from '@jest/globals';
import { Empty } from '@eventstore/db-client/generated/shared_pb.js';
import { ReadReq } from '@eventstore/db-client/generated/streams_pb.js';
import { checkpointInterval, filterFrom } from './filters.js';
import { EMPTY, type StoredEvent } from './log/event.js';

const { FilterOptions } = ReadReq.Options;

const event = (stream: string, type: string): StoredEvent => ({
  position: 1n,
  stream,
  revision: 0n,
  id: '',
  type,
  isJson: true,
  created: '0',
  data: EMPTY,
  metadata: EMPTY,
});

const prefixes = (...list: string[]) => new FilterOptions.Expression().setPrefixList(list);
const regex = (source: string) => new FilterOptions.Expression().setRegex(source);

describe('a filter', () => {
  it('matches stream names by any of its prefixes', () => {
    const allow = filterFrom(new FilterOptions().setStreamIdentifier(prefixes('key-', 'session-')));
    const streams = ['key-1', 'session-1', 'keys', '$$key-1', 'x-key-1'];
    expect(streams.filter((stream) => allow(event(stream, 'key-')))).toEqual(['key-1', 'session-1']);
  });

  it('matches event types by any of its prefixes', () => {
    const allow = filterFrom(new FilterOptions().setEventType(prefixes('Session')));
    expect(allow(event('key-1', 'SessionMinted'))).toBe(true);
    expect(allow(event('Session-1', 'KeyCreated'))).toBe(false);
  });

  it('matches by a regular expression', () => {
    const allow = filterFrom(new FilterOptions().setEventType(regex('^[^$].*')));
    expect(allow(event('a', 'SessionMinted'))).toBe(true);
    expect(allow(event('a', '$metadata'))).toBe(false);
  });

  it('lets nothing through without prefixes', () => {
    expect(filterFrom(new FilterOptions().setStreamIdentifier(prefixes()))(event('a', 'A'))).toBe(false);
  });

  it('is refused when it cannot be understood', () => {
    expect(() => filterFrom(new FilterOptions())).toThrow('needs an expression');
    expect(() => filterFrom(new FilterOptions().setStreamIdentifier(regex('(?<')))).toThrow('not a regular expression');
  });

  it('reports its position after so many windows', () => {
    const options = new FilterOptions().setCheckpointintervalmultiplier(3);
    expect(checkpointInterval(options.setMax(10))).toBe(30);
    expect(checkpointInterval(options.setCount(new Empty()))).toBe(96);
  });
});
