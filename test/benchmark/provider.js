import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/**
 * A provider that costs next to nothing: answers are made before they are asked for, so that what is measured is the
 * client. Introspection responses are signed anew every ten seconds.
 */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];

const json = (response, body) => response.setHeader('content-type', 'application/json').end(body);
const now = () => Math.floor(Date.now() / 1000);

const keys = {};
for (const alg of ALGORITHMS) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  keys[alg] = { privateKey, jwk: { ...(await exportJWK(publicKey)), kid: alg, alg, use: 'sig' } };
}
const jwks = JSON.stringify({ keys: ALGORITHMS.map((alg) => keys[alg].jwk) });

let issuer;
let members;
const signed = {};
let introspections = 0;
let refreshes = 0;
/** A refresh token is good once. */
const refreshTokens = new Set();
const codes = new Map();

async function signIntrospections() {
  members = {
    active: true,
    iss: issuer,
    sub: 'alice',
    aud: 'https://api.test',
    client_id: 'rp1',
    scope: 'orders:read',
    token_type: 'Bearer',
    iat: now(),
    exp: now() + 3600,
  };
  for (const alg of ALGORITHMS) {
    signed[alg] = await new SignJWT({ token_introspection: members })
      .setProtectedHeader({ alg, kid: alg, typ: 'token-introspection+jwt' })
      .setIssuer(issuer)
      .setAudience('rp1')
      .setIssuedAt()
      .sign(keys[alg].privateKey);
  }
}

function accessToken(alg, index) {
  return new SignJWT({ client_id: 'rp1', scope: 'orders:read', jti: `${alg}-${index}` })
    .setProtectedHeader({ alg, kid: alg, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setAudience('https://api.test')
    .setSubject('alice')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(keys[alg].privateKey);
}

function authorize(url, response) {
  const parameters = url.searchParams;
  const code = randomBytes(16).toString('base64url');
  codes.set(code, {
    nonce: parameters.get('nonce') ?? undefined,
    challenge: parameters.get('code_challenge'),
    isOffline: parameters.get('scope')?.split(' ').includes('offline_access') === true,
  });
  const target = new URL(parameters.get('redirect_uri'));
  target.searchParams.set('code', code);
  if (parameters.has('state')) target.searchParams.set('state', parameters.get('state'));
  target.searchParams.set('iss', issuer);
  response.writeHead(303, { location: target.href }).end();
}

function newRefreshToken() {
  const value = randomBytes(32).toString('base64url');
  refreshTokens.add(value);
  return value;
}

/** New tokens for a minute, without an ID token. */
function refresh(form, response) {
  refreshes += 1;
  if (!refreshTokens.delete(form.get('refresh_token'))) {
    return json(response.writeHead(400), '{"error":"invalid_grant"}');
  }
  const access_token = randomBytes(16).toString('base64url');
  const tokens = { access_token, token_type: 'Bearer', expires_in: 60, refresh_token: newRefreshToken() };
  return json(response, JSON.stringify(tokens));
}

async function token(form, response) {
  if (form.get('grant_type') === 'refresh_token') return refresh(form, response);
  const code = codes.get(form.get('code'));
  codes.delete(form.get('code'));
  const verifier = form.get('code_verifier');
  const isProven = code?.challenge
    ? createHash('sha256')
        .update(verifier ?? '')
        .digest('base64url') === code.challenge
    : code !== undefined;
  if (!isProven) return json(response.writeHead(400), '{"error":"invalid_grant"}');
  const idToken = await new SignJWT({ nonce: code.nonce })
    .setProtectedHeader({ alg: 'RS256', kid: 'RS256' })
    .setIssuer(issuer)
    .setAudience('rp1')
    .setSubject('alice')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(keys.RS256.privateKey);
  const offline = {
    scope: 'openid offline_access',
    expires_in: 60,
    refresh_token: code.isOffline && newRefreshToken(),
  };
  const tokens = {
    access_token: 'opaque',
    token_type: 'Bearer',
    expires_in: 3600,
    scope: 'openid',
    ...(code.isOffline && offline),
    id_token: idToken,
  };
  return json(response, JSON.stringify(tokens));
}

function introspect(request, form, response) {
  introspections += 1;
  if (!request.headers.accept?.includes('token-introspection+jwt')) return json(response, JSON.stringify(members));
  // The first characters of a token say how its client registered.
  const alg = ALGORITHMS.find((one) => form.get('token').startsWith(one)) ?? 'ES256';
  return response.setHeader('content-type', 'application/token-introspection+jwt').end(signed[alg]);
}

const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
  const url = new URL(request.url, issuer);
  let body = '';
  for await (const chunk of request) body += chunk;
  const form = new URLSearchParams(body);
  switch (url.pathname) {
    case '/.well-known/openid-configuration':
      return json(response, JSON.stringify(document()));
    case '/jwks':
      return json(response, jwks);
    case '/authorize':
      return authorize(url, response);
    case '/token':
      return token(form, response);
    case '/introspect':
      return introspect(request, form, response);
    default:
      return response.writeHead(404).end();
  }
});

function document() {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    introspection_endpoint: `${issuer}/introspect`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    introspection_signing_alg_values_supported: ALGORITHMS,
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
}

process.on('message', async (question) => {
  // So many JWT access tokens, all different.
  if (question.tokens !== undefined) {
    const tokens = Array.from({ length: question.tokens }, (_, index) => accessToken(question.alg, index));
    return process.send(await Promise.all(tokens));
  }
  process.send({ introspections, refreshes });
  introspections = 0;
  refreshes = 0;
});
process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', async () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  await signIntrospections();
  setInterval(signIntrospections, 10_000);
  process.send({ issuer });
});
