import { inspect } from 'node:util';

import { expect, it } from '@jest/globals';
import { compactVerify, exportJWK, generateKeyPair, importJWK } from 'jose';

import { publicJwk } from '../../lib/jose/jwk.js';
import { KeySet } from '../../lib/jose/key-set.js';
import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { parseClientMetadata } from '../../lib/metadata/registered-client.js';
import { clientOf } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

const ALGORITHMS = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'];

/** A private key; in a runtime that has no ML-DSA, something that looks like one. */
async function privateKey(alg: string): Promise<{ readonly isReal: boolean; readonly jwk: Record<string, string> }> {
  try {
    const pair = await generateKeyPair(alg, { extractable: true });
    return { isReal: true, jwk: JSON.parse(JSON.stringify({ ...(await exportJWK(pair.privateKey)), alg })) };
  } catch {
    return { isReal: false, jwk: { kty: 'AKP', alg, pub: 'cHVibGlj', priv: 'c2VlZA' } };
  }
}

const registered = (jwk: Record<string, string>): ClientMetadata => ({
  client_id: 'rp1',
  redirect_uris: ['https://app.test/auth/callback'],
  jwks: { keys: [{ ...jwk, kid: 'pq' }] },
});

it.each(ALGORITHMS)(
  'RFC 9964 %s signs assertions where the runtime has it, and stops the boot elsewhere',
  async (alg) => {
    const { isReal, jwk } = await privateKey(alg);
    if (!isReal) {
      expect(() => parseClientMetadata(registered(jwk))).toThrow(
        'client.jwks: holds a private key that can not be read or is too short',
      );
      return;
    }
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { ...registered(jwk), client_secret: undefined } });
    // The test provider does not verify it.
    op.answer('token', { body: { access_token: 'a', token_type: 'Bearer' } });
    await oidc.clientCredentials();
    const { payload, protectedHeader } = await compactVerify(
      String(op.last('token').form['client_assertion']),
      await importJWK(publicJwk(jwk), alg),
    );
    expect(protectedHeader).toEqual({ alg, kid: 'pq' });
    expect(JSON.parse(Buffer.from(payload).toString())).toMatchObject({ iss: 'rp1', sub: 'rp1', aud: op.issuer });
    expect(inspect(oidc.metadata, { depth: 9 })).not.toContain(String(jwk['priv']));
  },
);

it('RFC 9964 the private member is never among the public ones', () => {
  expect(publicJwk({ kty: 'AKP', alg: 'ML-DSA-44', pub: 'cHVibGlj', priv: 'c2VlZA', kid: 'pq' })).toEqual({
    kty: 'AKP',
    alg: 'ML-DSA-44',
    pub: 'cHVibGlj',
    kid: 'pq',
  });
  const reported: unknown[] = [];
  KeySet.parse(
    { keys: [{ kty: 'AKP', alg: 'ML-DSA-44', pub: 'cHVibGlj', priv: 'c2VlZA' }] },
    { report: (event) => void reported.push(event) },
  );
  expect(reported).toEqual([{ kind: 'private-key-published' }]);
});

it.each(['id_token_signed_response_alg', 'userinfo_signed_response_alg', 'introspection_signed_response_alg'])(
  'RFC 9964 no answer is taken that is signed so: %s',
  (member) => {
    const client = { client_id: 'rp1', client_secret: 'x'.repeat(32), [member]: 'ML-DSA-44' };
    expect(() => parseClientMetadata(client)).toThrow(`client.${member}: must be a signature algorithm`);
  },
);
