import * as jose from 'jose';
import * as openid from 'openid-client';
import { Pool } from 'undici';

import { ours } from '../clients.js';
import { load, startProcess, takeTurns } from '../measure.js';

const CALLBACK = 'http://127.0.0.1/auth/callback';
const ALG = 'ES256';

/** How the client is registered, and how the peer is told the same. */
const VARIANTS = {
  'PAR, JAR, JARM and DPoP': {
    registered: {
      require_pushed_authorization_requests: true,
      request_object_signing_alg: ALG,
      authorization_signed_response_alg: ALG,
      dpop_bound_access_tokens: true,
    },
    isProtected: true,
  },
  'an encrypted ID token': {
    registered: { id_token_encrypted_response_alg: 'ECDH-ES', id_token_encrypted_response_enc: 'A128CBC-HS256' },
    isProtected: false,
  },
};

async function makeKeys() {
  const signing = await jose.generateKeyPair(ALG, { extractable: true });
  const encryption = await jose.generateKeyPair('ECDH-ES', { extractable: true });
  const jwk = async (key, members) => ({ ...(await jose.exportJWK(key)), ...members });
  return {
    signing: signing.privateKey,
    decryption: encryption.privateKey,
    encryptTo: await jwk(encryption.publicKey, { kid: 'enc' }),
    jwks: {
      keys: [
        await jwk(signing.privateKey, { kid: 'sig', alg: ALG, use: 'sig' }),
        await jwk(encryption.privateKey, { kid: 'enc', alg: 'ECDH-ES', use: 'enc' }),
      ],
    },
  };
}

/** Sends the browser to a URL of the provider, and returns where it is sent back to. */
function browser(issuer) {
  const pool = new Pool(issuer);
  return async (href) => {
    const { pathname, search } = new URL(href);
    const { headers, body } = await pool.request({ path: pathname + search, method: 'GET' });
    await body.dump();
    return new URL(headers.location);
  };
}

async function ourLogin(issuer, visit, keys, registered) {
  const client = await ours(issuer, {
    client_secret: undefined,
    jwks: keys.jwks,
    redirect_uris: [CALLBACK],
    id_token_signed_response_alg: ALG,
    ...registered,
  });
  return async () => {
    const { url, transaction } = await client.authorizationUrl();
    const { searchParams } = await visit(url);
    await client.callback(new Map(searchParams), transaction);
  };
}

async function peerLogin(issuer, visit, { signing, decryption }, { registered, isProtected }) {
  const key = { key: signing, kid: 'sig' };
  const metadata = { id_token_signed_response_alg: ALG, ...registered };
  const config = await openid.discovery(new URL(issuer), 'rp1', metadata, openid.PrivateKeyJwt(key), {
    execute: [openid.allowInsecureRequests, openid.enableNonRepudiationChecks],
  });
  if (isProtected) {
    openid.useJwtResponseMode(config);
  } else {
    openid.enableDecryptingResponses(config, ['A128CBC-HS256'], { key: decryption, alg: 'ECDH-ES', kid: 'enc' });
  }
  return async () => {
    const verifier = openid.randomPKCECodeVerifier();
    const expected = { expectedState: openid.randomState(), expectedNonce: openid.randomNonce() };
    const parameters = {
      redirect_uri: CALLBACK,
      scope: 'openid',
      state: expected.expectedState,
      nonce: expected.expectedNonce,
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    };
    let url;
    let options;
    if (isProtected) {
      options = { DPoP: openid.getDPoPHandle(config, await openid.randomDPoPKeyPair(ALG)) };
      const signed = await openid.buildAuthorizationUrlWithJAR(config, parameters, key);
      url = await openid.buildAuthorizationUrlWithPAR(config, signed.searchParams, options);
    } else {
      url = openid.buildAuthorizationUrl(config, parameters);
    }
    const checks = { pkceCodeVerifier: verifier, ...expected };
    await openid.authorizationCodeGrant(config, await visit(url.href), checks, undefined, options);
  };
}

async function variantOf(name, { rounds, scale }) {
  const keys = await makeKeys();
  const variant = VARIANTS[name];
  const provider = await startProcess('./protected-provider.js');
  if (!variant.isProtected) await provider.ask({ encryptTo: keys.encryptTo });
  const visit = browser(provider.issuer);
  const sides = {
    ours: await ourLogin(provider.issuer, visit, keys, variant.registered),
    'openid-client': await peerLogin(provider.issuer, visit, keys, variant),
  };
  const settings = { operations: Math.ceil(1000 * scale), inFlight: 8 };
  const measures = Object.entries(sides).map(([side, logIn]) => [side, () => load(logIn, settings)]);
  const figures = await takeTurns(Object.fromEntries(measures), rounds);
  await provider.stop();
  const value = figures['openid-client'].cpu / figures.ours.cpu;
  return { variant: name, figures, goals: [{ name: '× openid-client by CPU', value, least: 1 }] };
}

export const protectedLogin = {
  id: 'P13',
  what: 'a login as a function, with `private_key_jwt`, 8 in flight',
  async run(settings) {
    const rows = [];
    for (const name of Object.keys(VARIANTS)) rows.push(await variantOf(name, settings));
    return rows;
  },
};
