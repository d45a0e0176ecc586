import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { processAuthorizationResponse, readResponse } from '../../lib/authorization/authorization-response.js';
import { RESPONSE_MODE_NAMES } from '../../lib/authorization/response-mode.js';
import { RESPONSE_TYPE_NAMES } from '../../lib/authorization/response-type.js';
import { OidcError } from '../../lib/errors/oidc.error.js';
import { parseParameters } from '../../lib/nest/parameters.js';
import { jws, keyOf } from '../../lib/testing/provider/keys.js';
import { clientOf } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

const NAMES = [
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'id_token',
  'access_token',
  'token_type',
  'expires_in',
  'scope',
  'response',
  '__proto__',
  'constructor',
];

const value = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 10 }),
  fc.constantFrom('access_denied', 'Bearer', '3600', 'a.b.c', '..', '', ' ', 'é'),
);

const parameters = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 12 })), value), {
  maxLength: 8,
});

/** JSON that could stand in the JWT of a response. */
const claims = fc.dictionary(
  fc.oneof(fc.constantFrom(...NAMES, 'aud', 'exp', 'nonce'), fc.string({ maxLength: 8 })),
  fc.oneof(value, fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.jsonValue({ maxDepth: 2 })),
  { maxKeys: 8 },
);

/** The code of the error of ours, or what came. */
async function outcome<T>(work: () => Promise<T>): Promise<T | string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof OidcError) {
      return error.code;
    }
    throw error;
  }
}

describe('the parser of authorization responses', () => {
  it('reads any text into parameters that are text, or refuses it with a code', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 200 }),
      parameters.map((pairs) => new URLSearchParams(pairs).toString()),
      parameters.map((pairs) => pairs.map(([name, one]) => `${name}=${one}`).join('&')),
    );
    const { server } = clientOf(await startProvider());
    await fc.assert(
      fc.asyncProperty(text, fc.constantFrom(...RESPONSE_MODE_NAMES), async (raw, mode) => {
        const read = await outcome(async () => readResponse(server, parseParameters(raw), mode));
        expect(typeof read === 'string' || [...read.values()].every((one) => typeof one === 'string')).toBe(true);
      }),
    );
  });

  it('reads the claims of a JWT as the parameters that they are, and takes no other kind of value', async () => {
    const key = keyOf('P-256');
    const { server } = clientOf(await startProvider());
    await fc.assert(
      fc.asyncProperty(claims, async (payload) => {
        const jwt = jws({ alg: 'ES256' }, JSON.stringify(payload), key);
        const read = await outcome(() => readResponse(server, new Map([['response', jwt]]), 'jwt'));
        const sent: Record<string, unknown> = JSON.parse(JSON.stringify(payload));
        for (const [name, one] of typeof read === 'string' ? [] : read) {
          expect([sent[name], String(sent[name])]).toContain(one);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('reads no text as a JWT that is none', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.array(fc.base64String({ maxLength: 30 }), { maxLength: 6 }).map((parts) => parts.join('.')),
    );
    const { server } = clientOf(await startProvider());
    await fc.assert(
      fc.asyncProperty(text, async (jwt) => {
        const read = await outcome(() => readResponse(server, new Map([['response', jwt]]), 'jwt'));
        expect(read === 'JARM_INVALID' || read instanceof Map).toBe(true);
      }),
    );
  });

  it('ends with what the response type brings, or with a code', async () => {
    const op = await startProvider();
    const { oidc, server } = clientOf(op);
    const started = await oidc.authorizationUrl();
    const withState = fc
      .tuple(parameters, fc.boolean(), fc.boolean())
      .map(([pairs, hasState, hasIssuer]) => [
        ...pairs,
        ...(hasState ? [['state', started.transaction.state] as const] : []),
        ...(hasIssuer ? [['iss', op.issuer] as const] : []),
      ]);
    await fc.assert(
      fc.asyncProperty(withState, fc.constantFrom(...RESPONSE_TYPE_NAMES), async (pairs, response_type) => {
        const sent = new Map(pairs);
        const transaction = { ...started.transaction, response_type };
        const result = await processAuthorizationResponse(server, sent, transaction).catch((error: unknown) => error);
        if (result instanceof OidcError) {
          return;
        }
        const words = response_type.split(' ');
        expect(result).toMatchObject({ parameters: sent });
        expect(sent.get('state')).toBe(transaction.state);
        expect([op.issuer, words.includes('id_token') ? undefined : op.issuer]).toContain(sent.get('iss'));
        expect(['code', 'id_token'].map((name) => sent.has(name))).toEqual(
          ['code', 'id_token'].map((word) => words.includes(word)),
        );
        expect(sent.has('access_token')).toBe(words.includes('token'));
        expect(sent.has('error')).toBe(false);
      }),
    );
  });
});
