import { describe, expect, it } from '@jest/globals';

import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

describe('userinfo', () => {
  const SIGNED = { userinfo_signed_response_alg: 'ES256' };
  const ask = async (
    metadata: object,
    prepare: (op: Awaited<ReturnType<typeof startProvider>>) => void = () => undefined,
  ) => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata });
    const { tokens } = await loginWith(oidc, op);
    prepare(op);
    return oidc.userinfo(tokens.access_token, 'alice');
  };

  it('F4 signed, as registered, is verified', async () => {
    expect(await ask(SIGNED)).toMatchObject({ sub: 'alice', name: 'Alice' });
  });

  it.each<[string, object, Parameters<typeof ask>[1], string]>([
    ['UI-06 is JSON where it must be signed', SIGNED, (op) => op.userinfo({ as: 'json' }), 'SIGNED_USERINFO_REQUIRED'],
    ['UI-07 is signed by a stranger', SIGNED, (op) => op.userinfo({ sign: 'stranger' }), 'SIGNATURE_INVALID'],
    [
      'UI-07 is unsigned',
      SIGNED,
      (op) => op.userinfo({ header: (h) => ({ ...h, alg: 'none' }), sign: 'none' }),
      'ALG_NOT_ALLOWED',
    ],
    [
      'UI-08 is an ID token',
      SIGNED,
      (op) => op.userinfo({ claims: (c) => ({ ...c, nonce: 'n' }) }),
      'UNEXPECTED_CLAIM',
    ],
    [
      'UI-08 has an ID token’s hash',
      SIGNED,
      (op) => op.userinfo({ claims: (c) => ({ ...c, at_hash: 'h' }) }),
      'UNEXPECTED_CLAIM',
    ],
    ['is for another client', SIGNED, (op) => op.userinfo({ claims: (c) => ({ ...c, aud: 'rp2' }) }), 'AUD_MISMATCH'],
    ['is of no issuer', SIGNED, (op) => op.userinfo({ claims: ({ iss: _, ...c }) => c }), 'ISS_MISMATCH'],
    [
      'UI-01 is about somebody else',
      SIGNED,
      (op) => op.userinfo({ claims: (c) => ({ ...c, sub: 'victim' }) }),
      'SUB_MISMATCH',
    ],
  ])('that %s is refused', async (_what, metadata, prepare, code) => {
    expect(await rejection(ask(metadata, prepare))).toMatchObject({ code });
  });

  it('that comes signed unasked is verified by the server’s list, and refused without one', async () => {
    expect(await ask({}, (op) => op.userinfo({ as: 'jwt' }))).toMatchObject({ sub: 'alice' });
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.discovery(({ userinfo_signing_alg_values_supported: _, ...document }) => document);
    op.userinfo({ as: 'jwt' });
    const { tokens } = await loginWith(oidc, op);
    expect(await rejection(oidc.userinfo(tokens.access_token, 'alice'))).toMatchObject({ code: 'ALG_NOT_ALLOWED' });
  });
});
