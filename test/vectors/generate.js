import { createHmac, generateKeyPairSync, sign, constants } from 'node:crypto';
import { writeFileSync } from 'node:fs';

/**
 * Writes rfc9701.json anew. Each run makes new keys, signs with them and keeps the public halves only; what is committed
 * is what the last run wrote. Run it with `node test/vectors/generate.js && npx prettier --write test/vectors`.
 */
const NOW = 1_800_000_000;
const ISSUER = 'https://op.example.com';
const CLIENT = 'rs1';
const AUDIENCE = 'https://api.example.com';
const SIGNED = 'application/token-introspection+jwt';
const SECRET = 'a-shared-secret-of-these-vectors-that-is-long-enough-for-hs512-64-bytes';

const PAIRS = {
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  Ed25519: generateKeyPairSync('ed25519'),
};
const FOREIGN = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const ALGORITHMS = {
  RS256: { key: 'RSA', hash: 'sha256' },
  PS256: {
    key: 'RSA',
    hash: 'sha256',
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  },
  ES256: { key: 'P-256', hash: 'sha256' },
  ES384: { key: 'P-384', hash: 'sha384' },
  EdDSA: { key: 'Ed25519', hash: null },
};

const keys = Object.entries(PAIRS).map(([kid, { publicKey }]) => ({
  ...publicKey.export({ format: 'jwk' }),
  kid,
  use: 'sig',
}));

const encode = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

const ACTIVE = {
  active: true,
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'alice',
  client_id: 'app1',
  scope: 'orders:read',
  exp: NOW + 3600,
};

/** A response that is right but for what is given; members that are undefined are left out. */
function jwt({ alg = 'ES256', header = {}, claims = {}, inner = ACTIVE, privateKey, hmac, payload } = {}) {
  const { key: name, hash, padding, saltLength } = ALGORITHMS[alg] ?? ALGORITHMS.ES256;
  const head = encode({ alg, typ: 'token-introspection+jwt', kid: name, ...header });
  const body = payload ?? encode({ iss: ISSUER, aud: CLIENT, iat: NOW, token_introspection: inner, ...claims });
  const input = `${head}.${body}`;
  if (alg === 'none') return `${input}.`;
  if (alg.startsWith('HS'))
    return `${input}.${createHmac('sha256', hmac ?? SECRET)
      .update(input)
      .digest('base64url')}`;
  const key = privateKey ?? PAIRS[name].privateKey;
  const signature = sign(hash, Buffer.from(input), { key, dsaEncoding: 'ieee-p1363', padding, saltLength });
  return `${input}.${signature.toString('base64url')}`;
}

const vectors = [];

function vector(
  description,
  section,
  expected,
  body,
  { registered = 'ES256', published, type = SIGNED, status = 200 } = {},
) {
  vectors.push({
    id: `RFC9701-${String(vectors.length + 1).padStart(2, '0')}`,
    section,
    description,
    registered: { client_id: CLIENT, ...(registered && { introspection_signed_response_alg: registered }) },
    server: { issuer: ISSUER, ...(published && { introspection_signing_alg_values_supported: published }) },
    response: { status, content_type: type, body },
    expected,
  });
}

const good = { result: 'claims', claims: ACTIVE };
const inactive = { result: 'claims', claims: { active: false } };
const refused = (reason, code) => ({ result: 'refused', reason, code });

for (const alg of ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA']) {
  vector(`signed with the registered ${alg}`, 'RFC 9701, 5', good, jwt({ alg }), { registered: alg });
}
vector('signed with the registered HS256', 'RFC 9701, 6', good, jwt({ alg: 'HS256' }), { registered: 'HS256' });
vector('a token that is not active', 'RFC 9701, 5', inactive, jwt({ inner: { active: false } }));
vector('alg none', 'RFC 8725, 3.1', refused('algorithm', 'ALG_NOT_ALLOWED'), jwt({ alg: 'none' }));
vector(
  'HS256 with the client secret where ES256 is registered',
  'RFC 8725, 3.1',
  refused('algorithm', 'ALG_NOT_ALLOWED'),
  jwt({ alg: 'HS256' }),
);
vector(
  'RS256 with a published key where ES256 is registered',
  'RFC 9701, 6',
  refused('algorithm', 'ALG_NOT_ALLOWED'),
  jwt({ alg: 'RS256' }),
);
vector(
  'HS256 with another secret',
  'RFC 7515, 5.2',
  refused('signature', 'SIGNATURE_INVALID'),
  jwt({ alg: 'HS256', hmac: 'another secret that is long enough for this' }),
  { registered: 'HS256' },
);
vector('nothing registered, ES256 published', 'RFC 9701, 6 and 7', good, jwt(), {
  registered: null,
  published: ['ES256'],
});
vector('nothing registered, nothing published, RS256', 'RFC 9701, 6', good, jwt({ alg: 'RS256' }), {
  registered: null,
});
vector('nothing registered, nothing published, ES256', 'RFC 9701, 6', refused('algorithm', 'ALG_NOT_ALLOWED'), jwt(), {
  registered: null,
});
vector(
  'nothing registered, the server publishes none and HS256',
  'RFC 8725, 3.2',
  refused('algorithm', 'ALG_NOT_ALLOWED'),
  jwt({ alg: 'HS256' }),
  { registered: null, published: ['none', 'HS256'] },
);
vector(
  'plain JSON where a signature is registered',
  'RFC 9701, 4 and 5',
  refused('unsigned', 'SIGNED_RESPONSE_REQUIRED'),
  JSON.stringify(ACTIVE),
  { type: 'application/json' },
);
vector(
  'plain JSON that says inactive, where a signature is registered',
  'RFC 9701, 5',
  refused('unsigned', 'SIGNED_RESPONSE_REQUIRED'),
  '{"active":false}',
  { type: 'application/json' },
);
vector('plain JSON where nothing is registered', 'RFC 7662, 2.2', good, JSON.stringify(ACTIVE), {
  registered: null,
  type: 'application/json',
});
vector('typ in upper case', 'RFC 7515, 4.1.9', good, jwt({ header: { typ: 'TOKEN-INTROSPECTION+JWT' } }));
vector(
  'typ with application/',
  'RFC 7515, 4.1.9',
  good,
  jwt({ header: { typ: 'application/token-introspection+jwt' } }),
);
for (const typ of [undefined, 'JWT', 'at+jwt', 'secevent+jwt', 'token-introspection', 7]) {
  vector(
    `typ ${typ === undefined ? 'missing' : JSON.stringify(typ)}`,
    'RFC 9701, 5; RFC 8725, 3.11',
    refused('type', 'TYP_MISMATCH'),
    jwt({ header: { typ } }),
  );
}
vector(
  'a kid that is not published',
  'RFC 7517, 4.5',
  refused('key', 'KEY_NOT_FOUND'),
  jwt({ header: { kid: 'unknown' } }),
);
vector(
  'a published kid, signed by somebody else',
  'RFC 7515, 5.2',
  refused('signature', 'SIGNATURE_INVALID'),
  jwt({ privateKey: FOREIGN.privateKey }),
);
vector('no kid', 'RFC 7515, 4.1.4', good, jwt({ header: { kid: undefined } }));
const [head, body, signature] = jwt().split('.');
const tampered = encode({ iss: ISSUER, aud: CLIENT, iat: NOW, token_introspection: { ...ACTIVE, sub: 'mallory' } });
vector(
  'other claims under the same signature',
  'RFC 7515, 5.2',
  refused('signature', 'SIGNATURE_INVALID'),
  `${head}.${tampered}.${signature}`,
);
vector('no signature', 'RFC 7515, 5.2', refused('signature', 'SIGNATURE_INVALID'), `${head}.${body}.`);
vector(
  'padding behind the signature',
  'RFC 7515, 2',
  refused('form', 'JWT_MALFORMED'),
  `${head}.${body}.${signature}==`,
);
vector(
  'a critical extension',
  'RFC 7515, 4.1.11',
  refused('extension', 'UNSUPPORTED_CRIT'),
  jwt({ header: { crit: ['exp'], exp: NOW } }),
);
vector('two parts', 'RFC 7515, 7.1', refused('form', 'JWT_MALFORMED'), `${head}.${body}`);
vector(
  'an encrypted JWT where none is registered',
  'RFC 9701, 6',
  refused('encrypted', 'UNEXPECTED_JWE'),
  `${encode({ alg: 'RSA-OAEP', enc: 'A128GCM' })}.AAAA.AAAA.AAAA.AAAA`,
);
vector(
  'a payload that is no JSON',
  'RFC 7519, 7.2',
  refused('form', 'JWT_MALFORMED'),
  jwt({ payload: encode('no JSON') }),
);
vector('iss missing', 'RFC 9701, 5', refused('issuer', 'ISS_MISMATCH'), jwt({ claims: { iss: undefined } }));
vector(
  'iss of another server',
  'RFC 9701, 5',
  refused('issuer', 'ISS_MISMATCH'),
  jwt({ claims: { iss: 'https://other.example.com' } }),
);
vector(
  'iss with a slash at its end',
  'RFC 8414, 3.3',
  refused('issuer', 'ISS_MISMATCH'),
  jwt({ claims: { iss: `${ISSUER}/` } }),
);
vector('aud missing', 'RFC 9701, 5', refused('audience', 'AUD_MISMATCH'), jwt({ claims: { aud: undefined } }));
vector(
  'aud of another resource server',
  'RFC 9701, 5; RFC 8725, 3.9',
  refused('audience', 'AUD_MISMATCH'),
  jwt({ claims: { aud: 'rs2' } }),
);
vector('aud as an array of one', 'RFC 7519, 4.1.3', good, jwt({ claims: { aud: [CLIENT] } }));
vector('aud with the client and the resource', 'RFC 9701, 5', good, jwt({ claims: { aud: [CLIENT, AUDIENCE] } }));
vector(
  'aud with the client and somebody else',
  'RFC 9701, 5; RFC 8725, 3.9',
  refused('audience', 'AUD_MISMATCH'),
  jwt({ claims: { aud: [CLIENT, 'rs2'] } }),
);
vector('aud empty', 'RFC 7519, 4.1.3', refused('audience', 'AUD_MISMATCH'), jwt({ claims: { aud: [] } }));
vector(
  'aud with a number',
  'RFC 7519, 4.1.3',
  refused('audience', 'AUD_MISMATCH'),
  jwt({ claims: { aud: [CLIENT, 7] } }),
);
vector('iat missing', 'RFC 9701, 5', refused('time', 'CLAIM_MISSING'), jwt({ claims: { iat: undefined } }));
vector('iat as text', 'RFC 7519, 2', refused('time', 'CLAIM_INVALID'), jwt({ claims: { iat: String(NOW) } }));
vector('iat as far ahead as the tolerance allows', 'RFC 7519, 4.1.6', good, jwt({ claims: { iat: NOW + 30 } }));
vector('iat further ahead', 'RFC 7519, 4.1.6', refused('time', 'NOT_YET_VALID'), jwt({ claims: { iat: NOW + 31 } }));
vector('iat a minute and the tolerance ago', 'RFC 9701, 8.2', good, jwt({ claims: { iat: NOW - 90 } }));
vector('iat longer ago', 'RFC 9701, 8.2', refused('time', 'TOO_OLD'), jwt({ claims: { iat: NOW - 91 } }));
vector(
  'an exp of the response itself, that has passed',
  'RFC 7519, 4.1.4',
  refused('time', 'EXPIRED'),
  jwt({ claims: { exp: NOW - 30 } }),
);
vector('a sub beside token_introspection is of no account', 'RFC 9701, 5', good, jwt({ claims: { sub: 'mallory' } }));
vector(
  'token_introspection missing',
  'RFC 9701, 5',
  refused('content', 'CLAIM_MISSING'),
  jwt({ claims: { token_introspection: undefined } }),
);
for (const content of ['active', [ACTIVE], null, 7]) {
  vector(
    `token_introspection ${JSON.stringify(content).slice(0, 12)}`,
    'RFC 9701, 5',
    refused('content', 'INTROSPECTION_MALFORMED'),
    jwt({ inner: content }),
  );
}
for (const active of ['true', 1, undefined]) {
  vector(
    `active ${JSON.stringify(active) ?? 'missing'}`,
    'RFC 7662, 2.2',
    refused('content', 'INTROSPECTION_MALFORMED'),
    jwt({ inner: { ...ACTIVE, active } }),
  );
}
vector(
  'active beside token_introspection instead of within',
  'RFC 9701, 5',
  refused('content', 'CLAIM_MISSING'),
  jwt({ claims: { token_introspection: undefined, active: true } }),
);
vector(
  'exp within as text',
  'RFC 7662, 2.2',
  refused('content', 'INTROSPECTION_MALFORMED'),
  jwt({ inner: { ...ACTIVE, exp: 'soon' } }),
);
vector('the media type in other letters and with a parameter', 'RFC 9110, 8.3.1', good, jwt(), {
  type: 'Application/Token-Introspection+JWT; charset=utf-8',
});
vector('a JWT as application/json', 'RFC 9701, 5', refused('unsigned', 'SIGNED_RESPONSE_REQUIRED'), jwt(), {
  type: 'application/json',
});
vector('a JWT as application/jwt', 'RFC 9701, 5', refused('unsigned', 'SIGNED_RESPONSE_REQUIRED'), jwt(), {
  type: 'application/jwt',
});
vector('a line break behind the JWT', 'RFC 7515, 7.1', good, `${jwt()}\r\n`);
vector('a byte order mark before the JWT', 'RFC 7515, 7.1', refused('form', 'JWT_MALFORMED'), `\uFEFF${jwt()}`);
vector('an empty body', 'RFC 7515, 7.1', refused('form', 'JWT_MALFORMED'), '');
vector(
  'an error of the server',
  'RFC 7662, 2.3',
  refused('error', 'CLIENT_MISCONFIGURED'),
  '{"error":"invalid_client"}',
  { status: 401, type: 'application/json' },
);

const document = {
  description:
    'Token introspection responses (RFC 9701) and what a resource server makes of them. See README.md in this folder.',
  now: NOW,
  tolerance: 30,
  max_age: 60,
  token: 'the-token-that-is-asked-about',
  audience: AUDIENCE,
  client_secret: SECRET,
  jwks: { keys },
  vectors,
};
writeFileSync(new URL('./rfc9701.json', import.meta.url), `${JSON.stringify(document, null, 2)}\n`);
process.stdout.write(`${vectors.length} vectors\n`);
