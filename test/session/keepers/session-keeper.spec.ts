import { describe, expect, it } from '@jest/globals';

import { sessionKeeper } from '../../../lib/session/keepers/session-keeper.js';
import { sessionOptionsSchema, type SessionOptions } from '../../../lib/session/session.options.js';
import { Sealer } from '../../../lib/storage/sealer.js';
import { validate } from '../../../lib/values/validate.js';

const REDIRECT_URIS = { redirect_uris: ['https://app.test/cb'] };

const SESSION: SessionOptions = { secret: 'a'.repeat(32) };

function keeperOf(metadata: object, session: SessionOptions | undefined) {
  return sessionKeeper({
    client: { name: undefined, metadata } as never,
    settings: session && validate(sessionOptionsSchema, session, 'session'),
    sealer: new Sealer([]),
    store: undefined,
    operator: {} as never,
  });
}

describe('a session keeper', () => {
  it.each([
    ['session.secret: is required', REDIRECT_URIS, undefined],
    ['client.redirect_uris: is required', {}, SESSION],
    ['session.keep: can be store only', REDIRECT_URIS, { ...SESSION, keep: 'store' as const }],
  ])('is not made without an option that it needs: %s', (problem, metadata, session) => {
    expect(() => keeperOf(metadata, session)).toThrow(problem);
  });
});
