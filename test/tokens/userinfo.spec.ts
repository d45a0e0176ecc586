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
    return oidc.userinfo(tokens, 'alice');
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

  it('F1 UI-12 has the token in the header of a GET, and nowhere else', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { tokens } = await loginWith(oidc, op);
    expect(await oidc.userinfo(tokens, 'alice')).toMatchObject({ sub: 'alice' });
    const { method, headers, query, body } = op.last('userinfo');
    expect([method, headers.authorization, [...query], body]).toEqual(['GET', `Bearer ${tokens.access_token}`, [], '']);
  });

  it('F2 has the token in the form of a POST, and nowhere else', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { tokens } = await loginWith(oidc, op);
    expect(await oidc.userinfo(tokens, 'alice', { tokenIn: 'body' })).toMatchObject({ sub: 'alice' });
    const { method, headers, query, form } = op.last('userinfo');
    expect([method, headers.authorization, [...query]]).toEqual(['POST', undefined, []]);
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(form).toEqual({ access_token: tokens.access_token });
    op.answer('userinfo', { status: 400, body: { error: 'x', error_description: `no ${tokens.access_token}` } });
    expect(await rejection(oidc.userinfo(tokens, 'alice', { tokenIn: 'body' }))).toMatchObject({
      code: 'USERINFO_REFUSED',
      facts: { error_description: 'no [secret]' },
    });
  });

  it('RFC 9449 sends a token that is bound to a key in the header only', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { dpop_bound_access_tokens: true } });
    const { tokens } = await loginWith(oidc, op);
    expect(await rejection(oidc.userinfo(tokens, 'alice', { tokenIn: 'body' }))).toMatchObject({
      name: 'ConfigError',
      member: 'tokenIn',
    });
    expect(op.count('userinfo')).toBe(0);
  });

  it('UI-04 tells what a challenge says', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    const { tokens } = await loginWith(oidc, op);
    const challenge = 'Bearer realm="a, error=\\"b\\"", Error="invalid_token", error_description="It \\"ended\\""';
    op.answer('userinfo', { status: 401, headers: { 'www-authenticate': challenge } });
    expect(await rejection(oidc.userinfo(tokens, 'alice'))).toMatchObject({
      code: 'USERINFO_REFUSED',
      facts: { status: 401, error_description: 'It "ended"' },
    });
  });

  it('that comes signed unasked is verified by the server’s list, and refused without one', async () => {
    expect(await ask({}, (op) => op.userinfo({ as: 'jwt' }))).toMatchObject({ sub: 'alice' });
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.discovery(({ userinfo_signing_alg_values_supported: _, ...document }) => document);
    op.userinfo({ as: 'jwt' });
    const { tokens } = await loginWith(oidc, op);
    expect(await rejection(oidc.userinfo(tokens, 'alice'))).toMatchObject({ code: 'ALG_NOT_ALLOWED' });
  });
});
