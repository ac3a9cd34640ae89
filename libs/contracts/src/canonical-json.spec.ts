import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';

describe('canonical JSON', () => {
  it('is as the example of RFC 8785 (3.2.2) says', () => {
    const value = JSON.parse(
      String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],` +
        String.raw`"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`,
    ) as unknown;
    expect(canonicalJson(value)).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],` +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  it('orders names by their UTF-16 code units', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\u0080', '\ud83d\ude00', '\u00f6'];
    const keys = Object.keys(JSON.parse(canonicalJson(Object.fromEntries(names.map((n) => [`x${n}`, 1])))) as object);
    expect(keys).toEqual(['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33'].map((n) => `x${n}`));
  });

  it('means the same value, and does not depend on the order of names', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value = JSON.parse(text) as unknown;
        const written = canonicalJson(value);
        expect(JSON.stringify(JSON.parse(written))).toBe(
          JSON.stringify(JSON.parse(canonicalJson(JSON.parse(written)))),
        );
        expect(JSON.parse(written)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('orders also the names that an object keeps in an order of its own', () => {
    const value = JSON.parse(
      '{"b":{"9":1,"10":2,"__proto__":[{"2":0,"10":0}]},"a":0,"__proto__":{"x":null}}',
    ) as unknown;
    expect(canonicalJson(value)).toBe('{"__proto__":{"x":null},"a":0,"b":{"10":2,"9":1,"__proto__":[{"10":0,"2":0}]}}');
  });

  it('leaves out what is undefined', () => {
    expect(canonicalJson({ b: undefined, a: [undefined, 1], c: { '1': undefined } })).toBe('{"a":[null,1],"c":{}}');
    expect(canonicalJson({ b: undefined, a: [undefined, 1] })).toBe('{"a":[null,1]}');
  });
});
