import { once } from 'node:events';
import { Readable } from 'node:stream';

import { afterEach, describe, expect, it, jest } from '@jest/globals';

import { discard, readBody } from '../../lib/http/body.js';

const bytes = (text: string) => Buffer.from(text);

describe('the reader of bodies', () => {
  it.each([
    ['nothing', [], ''],
    ['one chunk', ['abcd'], 'abcd'],
    ['several', ['ab', '', 'cd'], 'abcd'],
  ])('reads %s', async (_name, chunks, whole) => {
    expect(await readBody(Readable.from(chunks.map(bytes)), 4)).toEqual(bytes(whole));
  });

  it('lets the rest of a body that is too large flow by', async () => {
    let pulled = 0;
    const source = function* () {
      for (; pulled < 100; pulled += 1) {
        yield bytes('abc');
      }
    };
    const stream = Readable.from(source());
    const ended = once(stream, 'end');
    expect(await readBody(stream, 4)).toBeUndefined();
    await ended;
    expect(pulled).toBe(100);
  });

  it('fails as the stream does', async () => {
    const stream = new Readable({ read: () => undefined });
    const reading = readBody(stream, 4);
    stream.destroy(new Error('reset'));
    await expect(reading).rejects.toMatchObject({ message: 'reset' });
  });

  it('fails when the stream closes before its end', async () => {
    const stream = new Readable({ read: () => undefined });
    const reading = readBody(stream, 4);
    stream.push(bytes('ab'));
    stream.destroy();
    await expect(reading).rejects.toMatchObject({ message: 'The body broke off.' });
  });
});

describe('a body that nobody wants', () => {
  afterEach(() => void jest.useRealTimers());

  it('is read to its end where that comes soon', async () => {
    const stream = new Readable({ read: () => undefined });
    const ended = once(stream, 'end');
    discard(stream);
    stream.push(bytes('ab'));
    stream.push(null);
    await ended;
    expect(stream.errored).toBeNull();
  });

  it('does not hold its connection for as long as its sender likes', () => {
    jest.useFakeTimers();
    const stream = new Readable({ read: () => undefined });
    discard(stream);
    for (let second = 0; second < 10; second += 1) {
      stream.push(bytes('a'));
      jest.advanceTimersByTime(100);
    }
    expect(stream.destroyed).toBe(true);
  });
});
