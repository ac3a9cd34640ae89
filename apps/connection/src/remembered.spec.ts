import { expect, it } from '@jest/globals';
import { Remembered } from './remembered.js';

const world = () => {
  const remembered = new Remembered<number>(10, (weight) => weight);
  const read = (name: string, weight: number) => remembered.reading(name, (keep) => Promise.resolve(keep(weight)));
  const names = () => ['a', 'b', 'c', 'd'].filter((name) => remembered.get(name) !== undefined);
  return { remembered, read, names };
};

it('what was read longest ago goes, until the rest weighs no more than it may', async () => {
  const { read, names } = world();
  for (const name of ['a', 'b', 'c']) await read(name, 3);
  await read('a', 4);
  expect(names()).toEqual(['a', 'b', 'c']);
  await read('d', 5);
  expect(names()).toEqual(['a', 'd']);
});

it('what is forgotten weighs nothing', async () => {
  const { remembered, read, names } = world();
  await read('a', 9);
  remembered.forget('a');
  remembered.forget('a');
  await read('b', 9);
  remembered.erase((name) => name === 'b');
  await read('c', 9);
  await read('d', 1);
  expect(names()).toEqual(['c', 'd']);
});

it('what is kept again unchanged is not weighed again', async () => {
  const weighed: object[] = [];
  const remembered = new Remembered<object>(10, (read) => weighed.push(read));
  const same = {};
  for (let n = 0; n < 3; n++) await remembered.reading('a', (keep) => Promise.resolve(keep(same)));
  expect(weighed).toEqual([same]);
});
