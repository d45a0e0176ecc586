import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { DpopKey } from '../../lib/jose/dpop-key.js';
import { fromStored, sessionSchema, toStored, type StoredSession } from '../../lib/session/session-content.js';
import { Sealer } from '../../lib/storage/sealer.js';
import { tokenResponseSchema } from '../../lib/tokens/token-response.js';
import type { JsonObject } from '../../lib/values/json.js';
import { generated } from '../support/generated.js';

const T = 1_800_000_000_000;
const sealer = new Sealer(['a'.repeat(32)]);

/** What comes back after a session was sealed, opened and read. */
function throughTheSealer(session: StoredSession) {
  const opened = sealer.open('session', 'name', sealer.seal('session', 'name', session, T + 1), T);
  return opened.status === 'open' ? fromStored(opened.value, opened.expiresAt) : undefined;
}

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('a session', () => {
  let jwk: JsonObject;

  beforeAll(async () => {
    jwk = (await DpopKey.generate('ES256')).toJwk();
  });

  it('is sealed and opened with every member', () => {
    const keys = new Map([[tokenResponseSchema.entries.dpop_key.wrapped, fc.constant(jwk)]]);
    fc.assert(
      fc.property(generated(sessionSchema, keys), (stored) => {
        const session = throughTheSealer(stored);
        expect(session?.expiresAt).toBe(T + 1);
        expect(session && asJson(toStored(session))).toEqual(asJson(stored));
      }),
    );
  });

  it('whose key can not be read is none, so that no bound token is taken for another', () => {
    const tokens = { access_token: 'AT', token_type: 'DPoP', scope: 'openid' };
    const session = (dpop_key: JsonObject) => throughTheSealer({ user: 'alice', tokens: { ...tokens, dpop_key } });
    expect(session(jwk)?.tokens.dpop_key?.toJwk()).toEqual(jwk);
    expect(session({ ...jwk, crv: 'P-0' })).toBeUndefined();
    expect(session({})).toBeUndefined();
  });
});
