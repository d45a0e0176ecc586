import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { CompactEncrypt, decodeJwt, exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';

/**
 * A provider with pushed and signed requests, signed responses, DPoP and encrypted ID tokens. It checks nothing: what is
 * measured is the client.
 */
const ALG = 'ES256';

const { publicKey, privateKey } = await generateKeyPair(ALG, { extractable: true });
const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: ALG, alg: ALG, use: 'sig' }] });

const json = (response, body) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body));

let issuer;
/** The client's key, where ID tokens are encrypted. */
let encryption;
const requests = new Map();
const nonces = new Map();

function sign(claims) {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: ALG, kid: ALG })
    .setIssuer(issuer)
    .setAudience('rp1')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey);
}

function push(form, response) {
  const request_uri = `urn:ietf:params:oauth:request_uri:${randomBytes(16).toString('base64url')}`;
  requests.set(request_uri, form.has('request') ? decodeJwt(form.get('request')) : Object.fromEntries(form));
  response.statusCode = 201;
  json(response, { request_uri, expires_in: 60 });
}

async function authorize(url, response) {
  const pushed = requests.get(url.searchParams.get('request_uri'));
  requests.delete(url.searchParams.get('request_uri'));
  const { redirect_uri, state, nonce, response_mode } = pushed ?? Object.fromEntries(url.searchParams);
  const code = randomBytes(16).toString('base64url');
  nonces.set(code, nonce);
  const target = new URL(redirect_uri);
  const answer = response_mode?.endsWith('jwt')
    ? { response: await sign({ code, state }) }
    : { code, state, iss: issuer };
  Object.entries(answer).forEach((entry) => target.searchParams.set(...entry));
  response.writeHead(303, { location: target.href }).end();
}

async function token(request, form, response) {
  const nonce = nonces.get(form.get('code'));
  nonces.delete(form.get('code'));
  const idToken = await sign({ sub: 'alice', nonce });
  const encrypted =
    encryption &&
    (await new CompactEncrypt(new TextEncoder().encode(idToken))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A128CBC-HS256', cty: 'JWT', kid: 'enc' })
      .encrypt(encryption));
  json(response, {
    access_token: 'opaque',
    token_type: request.headers.dpop === undefined ? 'Bearer' : 'DPoP',
    expires_in: 3600,
    scope: 'openid',
    id_token: encrypted ?? idToken,
  });
}

const document = () => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  pushed_authorization_request_endpoint: `${issuer}/par`,
  token_endpoint: `${issuer}/token`,
  jwks_uri: `${issuer}/jwks`,
  response_types_supported: ['code'],
  response_modes_supported: ['query', 'jwt', 'query.jwt'],
  subject_types_supported: ['public'],
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: [ALG],
  request_object_signing_alg_values_supported: [ALG],
  authorization_signing_alg_values_supported: [ALG],
  id_token_signing_alg_values_supported: [ALG],
  id_token_encryption_alg_values_supported: ['ECDH-ES'],
  id_token_encryption_enc_values_supported: ['A128CBC-HS256'],
  dpop_signing_alg_values_supported: [ALG],
  code_challenge_methods_supported: ['S256'],
  authorization_response_iss_parameter_supported: true,
});

const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
  const url = new URL(request.url, issuer);
  let body = '';
  for await (const chunk of request) body += chunk;
  const form = new URLSearchParams(body);
  switch (url.pathname) {
    case '/.well-known/openid-configuration':
      return json(response, document());
    case '/jwks':
      return response.setHeader('content-type', 'application/json').end(jwks);
    case '/par':
      return push(form, response);
    case '/authorize':
      return authorize(url, response);
    case '/token':
      return token(request, form, response);
    default:
      return response.writeHead(404).end();
  }
});

process.on('message', async ({ encryptTo }) => {
  encryption = await importJWK(encryptTo, 'ECDH-ES');
  process.send({});
});
process.on('disconnect', () => process.exit(0));

server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  process.send({ issuer });
});
