import { expect, it } from '@jest/globals';

import { CachedDocument } from '../../lib/http/cached-document.js';
import { HttpResponse } from '../../lib/http/response.js';
import { rejection } from '../support/client/client.js';
import { TestClock } from '../support/clock.js';

/** A document whose copies are numbered. */
function documentWith(headers: Record<string, string> = {}, maxStale = 0) {
  const clock = new TestClock();
  const loads: boolean[] = [];
  let isDown = false;
  const load = async (background: boolean) => {
    loads.push(background);
    if (isDown) {
      throw new Error('down');
    }
    return { value: loads.length, response: new HttpResponse(200, headers, new Uint8Array(), 32) };
  };
  const document = new CachedDocument(load, clock.now, { maxStale });
  return { clock, document, loads, down: (is = true) => void (isDown = is) };
}

it('JWKS-26 DISC-22 is fetched once for all who ask at once, and is there at once afterwards', async () => {
  const { document, loads } = documentWith();
  expect(await Promise.all(Array.from({ length: 200 }, () => document.get()))).toEqual(
    Array.from({ length: 200 }, () => 1),
  );
  expect(document.get()).toBe(1);
  expect(loads).toEqual([false]);
});

it('DISC-23 a failure is kept by nobody', async () => {
  const { document, loads, down } = documentWith();
  down();
  const failed = await Promise.allSettled([document.get(), document.get(), document.get()]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  down(false);
  expect(await document.get()).toBe(2);
  expect(loads).toHaveLength(2);
});

it.each<[string, Record<string, string>, number]>([
  ['nothing said', {}, 600],
  ['max-age', { 'cache-control': 'public, max-age=900' }, 900],
  ['max-age less its age', { 'cache-control': 'max-age=900', age: '300' }, 600],
  ['Expires', { expires: 'Fri, 15 Jan 2027 08:15:00 GMT' }, 900],
  ['no-cache', { 'cache-control': 'no-cache, max-age=0' }, 60],
  ['a day', { 'cache-control': 'max-age=86400' }, 3600],
  ['the past', { expires: 'Thu, 01 Jan 1970 00:00:00 GMT' }, 60],
  ['nonsense', { 'cache-control': 'max-age=soon', expires: 'never' }, 600],
  ['not at all', { 'cache-control': 'public, no-store' }, 60],
  ['only when asked again', { 'cache-control': 'no-cache, max-age=900' }, 60],
  ['less than nothing', { 'cache-control': 'max-age=-5' }, 600],
  ['a number that is no count of seconds', { 'cache-control': 'max-age=1e9' }, 600],
  ['thirty years', { 'cache-control': 'max-age=1000000000' }, 3600],
  ['more digits than any', { 'cache-control': `max-age=${'9'.repeat(40)}` }, 3600],
])('CACHE-12 lives as long as the server says, within a minute and an hour: %s', async (_what, headers, lifetime) => {
  const { clock, document, loads } = documentWith(headers);
  await document.get();
  clock.advance(lifetime * 0.75 - 1);
  expect(document.get()).toBe(1);
  expect(loads).toEqual([false]);
  clock.advance(1);
  expect(document.get()).toBe(1);
  expect(loads).toEqual([false, true]);
  await document.refresh();
  expect(document.get()).toBe(2);
});

it('CLOCK-16 is fetched ahead of its end once, however many ask, and waited for by nobody', async () => {
  const { clock, document, loads } = documentWith();
  await document.get();
  clock.advance(500);
  expect(Array.from({ length: 1000 }, () => document.get())).toEqual(Array.from({ length: 1000 }, () => 1));
  expect(loads).toEqual([false, true]);
});

it('after its end is waited for', async () => {
  const { clock, document } = documentWith();
  await document.get();
  clock.advance(600);
  expect(await document.get()).toBe(2);
});

it('is kept while the server is down, asked for again after a pause, and let go after its time', async () => {
  const { clock, document, loads, down } = documentWith({}, 3_600_000);
  await document.get();
  down();
  clock.advance(600);
  expect(await document.get()).toBe(1);
  expect(document.get()).toBe(1);
  expect(loads).toHaveLength(2);
  clock.advance(5);
  expect(await document.get()).toBe(1);
  expect(loads).toHaveLength(3);
  clock.advance(3600);
  expect(await rejection(Promise.resolve(document.get()))).toMatchObject({ message: 'down' });
  down(false);
  expect(await document.get()).toBe(5);
});

it('that can not be fetched ahead of its end hurts nobody', async () => {
  const { clock, document, loads, down } = documentWith();
  await document.get();
  down();
  clock.advance(500);
  expect(document.get()).toBe(1);
  await rejection(document.refresh());
  expect(document.get()).toBe(1);
  expect(loads).toHaveLength(2);
});

it('CLOCK-06 is asked for again at once where the clock was set back behind the failure', async () => {
  const { clock, document, down } = documentWith({}, 3_600_000);
  await document.get();
  down();
  clock.advance(1200);
  expect(await document.get()).toBe(1);
  down(false);
  clock.advance(-300);
  expect(await document.get()).toBe(3);
});

it('CLOCK-06 from the future is over', async () => {
  const { clock, document } = documentWith();
  await document.get();
  clock.advance(-3600);
  expect(await document.get()).toBe(2);
});
