import * as jose from 'jose';
import { Pool } from 'undici';
import * as openid from 'openid-client';

import { Test } from '@nestjs/testing';
import { OidcClient, OidcModule } from '../../dist/bundle/index.js';

export const SECRET = 'a-secret-for-benchmarks-of-more-than-32-bytes';
const AUTHORIZATION = `Basic ${Buffer.from(`rp1:${SECRET}`).toString('base64')}`;
const SIGNED = 'application/token-introspection+jwt';

/** Ours, as an application gets it. */
export async function ours(issuer, metadata = {}) {
  const app = await Test.createTestingModule({
    imports: [OidcModule.forRoot({ issuer, client: { client_id: 'rp1', client_secret: SECRET, ...metadata } })],
  })
    .setLogger({ log() {}, warn() {}, error() {} })
    .compile();
  await app.init();
  return app.get(OidcClient);
}

/** As little as can honestly be done: undici, and jose where a signature is asked for. */
export async function floor(issuer, alg) {
  const pool = new Pool(issuer);
  const jwks = await (await fetch(`${issuer}/jwks`)).json();
  const key = alg && (await jose.importJWK(jwks.keys.find((jwk) => jwk.alg === alg)));
  const headers = {
    authorization: AUTHORIZATION,
    'content-type': 'application/x-www-form-urlencoded',
    accept: alg ? SIGNED : 'application/json',
  };
  return async (token) => {
    const { body } = await pool.request({ path: '/introspect', method: 'POST', headers, body: `token=${token}` });
    const text = await body.text();
    if (!alg) return JSON.parse(text);
    const { payload } = await jose.jwtVerify(text, key, { issuer, audience: 'rp1', typ: SIGNED, maxTokenAge: 90 });
    return payload.token_introspection;
  };
}

/** The reference implementation; with `alg` its checks of signatures are switched on, which they are not by default. */
export async function openidClient(issuer, alg) {
  const metadata = { client_secret: SECRET, ...(alg && { introspection_signed_response_alg: alg }) };
  return openid.discovery(new URL(issuer), 'rp1', metadata, openid.ClientSecretBasic(SECRET), {
    execute: [openid.allowInsecureRequests, ...(alg ? [openid.enableNonRepudiationChecks] : [])],
  });
}
