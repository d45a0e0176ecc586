import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';

import { readForm } from '../../lib/nest/form-body.js';
import { expectWithin } from '../support/within.js';

const FORM = 'application/x-www-form-urlencoded';

function request(body: Iterable<string | Uint8Array>, headers: Record<string, string> = {}): IncomingMessage {
  return Object.assign(Readable.from([...body].map((chunk) => Buffer.from(chunk))), { headers }) as never;
}

async function read(given: Partial<Parameters<typeof readForm>[0]>): Promise<unknown> {
  try {
    const form = await readForm({
      raw: request([]),
      contentType: FORM,
      parsed: undefined,
      rawBody: undefined,
      ...given,
    });
    return Object.fromEntries(form);
  } catch (error) {
    return Reflect.get(Object(error), 'code');
  }
}

describe('readForm', () => {
  it('NEST-17 reads the body itself where the application does not', async () => {
    expect(await read({ raw: request(['code=a', '&state', '=b%20c']) })).toEqual({ code: 'a', state: 'b c' });
    expect(await read({ raw: request([]) })).toEqual({});
  });

  it('reads bytes, text and what a parser made of them alike', async () => {
    const expected = { code: 'a', state: 'b' };
    expect(await read({ rawBody: Buffer.from('code=a&state=b'), parsed: { code: 'other' } })).toEqual(expected);
    expect(await read({ parsed: Buffer.from('code=a&state=b') })).toEqual(expected);
    expect(await read({ parsed: 'code=a&state=b' })).toEqual(expected);
    expect(await read({ parsed: { code: 'a', state: 'b' } })).toEqual(expected);
  });

  it('does not wait for a body that somebody else has read', async () => {
    const raw = request(['code=a']);
    await raw.toArray();
    expect(await read({ raw })).toEqual({});
  });

  it('AUTHZ-08 refuses arrays and objects of either parser', async () => {
    expect(await read({ parsed: { code: ['a', 'b'] } })).toBe('DUPLICATE_PARAMETER');
    expect(await read({ parsed: { state: { $ne: '1' } } })).toBe('INVALID_PARAMETER');
    expect(await read({ parsed: { 'code[]': 'a' } })).toBe('INVALID_PARAMETER');
    expect(await read({ raw: request(['code[]=a']) })).toBe('INVALID_PARAMETER');
  });

  it('AUTHZ-25 takes no other content type', async () => {
    const refused = [
      undefined,
      '',
      'application/json',
      'text/plain',
      'multipart/form-data; boundary=x',
      `${FORM}2`,
      `${FORM}; charset=utf-16`,
      `${FORM}, application/json`,
    ];
    for (const contentType of refused) {
      expect(await read({ contentType, parsed: { code: 'a' } })).toBe('UNSUPPORTED_MEDIA_TYPE');
    }
    for (const contentType of [FORM, FORM.toUpperCase(), `${FORM};charset=UTF-8`, `${FORM} ; charset="utf-8"`]) {
      expect(await read({ contentType, parsed: { code: 'a' } })).toEqual({ code: 'a' });
    }
  });

  it('INJ-12 reads a media type that is full of blanks in no time', async () => {
    await expectWithin(50, async () => {
      expect(await read({ contentType: `${FORM};${' '.repeat(15_000)}x` })).toBe('UNSUPPORTED_MEDIA_TYPE');
      expect(await read({ contentType: `${FORM};${' '.repeat(15_000)}charset=utf-8` })).toEqual({});
    });
  });

  it('NEST-18 takes no more than 64 KB, however they come', async () => {
    const large = `x=${'y'.repeat(65_535)}`;
    expect(await read({ raw: request([large]) })).toBe('BODY_TOO_LARGE');
    expect(await read({ raw: request([], { 'content-length': '65537' }) })).toBe('BODY_TOO_LARGE');
    expect(await read({ rawBody: Buffer.from(large) })).toBe('BODY_TOO_LARGE');
    expect(await read({ parsed: large })).toBe('BODY_TOO_LARGE');
    expect(await read({ parsed: { a: 'y'.repeat(40_000), b: 'y'.repeat(40_000) } })).toBe('BODY_TOO_LARGE');
  });

  it('NEST-18 answers at the limit, though the body never ends', async () => {
    const raw: IncomingMessage = Object.assign(
      new Readable({
        read() {
          setImmediate(() => this.push(Buffer.alloc(16_384, 'y')));
        },
      }),
      { headers: {} },
    ) as never;
    expect(await read({ raw })).toBe('BODY_TOO_LARGE');
    expect(raw.destroyed).toBe(false);
    raw.destroy();
  });

  it('INJ-08 refuses bytes that are not UTF-8', async () => {
    expect(await read({ raw: request([Uint8Array.of(0x61, 0x3d, 0xff)]) })).toBe('INVALID_PARAMETER');
  });

  it('refuses a body that breaks off', async () => {
    const raw = request(['code=a']);
    raw.on('error', () => {}).destroy(new Error('reset'));
    expect(await read({ raw })).toEqual({});
    const broken: IncomingMessage = Object.assign(
      new Readable({
        read() {
          this.destroy(new Error('reset'));
        },
      }),
      { headers: {} },
    ) as never;
    expect(await read({ raw: broken })).toBe('INVALID_PARAMETER');
  });
});
