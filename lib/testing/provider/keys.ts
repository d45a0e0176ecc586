import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';

/** The kinds of key that a provider has, and X25519, which signs nothing. */
export type KeyKind = 'RSA' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | 'X25519';

export type Jwk = Readonly<Record<string, unknown>>;

export interface SigningKey {
  readonly kind: KeyKind;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Public, with `kid` and `use`, without `alg`: an RSA key serves RS* and PS*. */
  readonly jwk: Jwk;
}

/** Which kind of key an algorithm needs, and how `node:crypto` calls it. */
const ALGORITHMS: Readonly<Record<string, { readonly kind: KeyKind; readonly hash: string | null }>> = {
  RS256: { kind: 'RSA', hash: 'sha256' },
  RS384: { kind: 'RSA', hash: 'sha384' },
  RS512: { kind: 'RSA', hash: 'sha512' },
  PS256: { kind: 'RSA', hash: 'sha256' },
  PS384: { kind: 'RSA', hash: 'sha384' },
  PS512: { kind: 'RSA', hash: 'sha512' },
  ES256: { kind: 'P-256', hash: 'sha256' },
  ES384: { kind: 'P-384', hash: 'sha384' },
  ES512: { kind: 'P-521', hash: 'sha512' },
  EdDSA: { kind: 'Ed25519', hash: null },
  Ed25519: { kind: 'Ed25519', hash: null },
};

/** Everything that a key of {@link KeyRing} can sign with. */
export const ASYMMETRIC_ALGORITHMS: readonly string[] = Object.keys(ALGORITHMS);

export function kindOf(alg: string): KeyKind | undefined {
  return ALGORITHMS[alg]?.kind;
}

/** The hash behind `at_hash`. */
export function hashOf(alg: string): string {
  if (alg === 'none') {
    return 'sha256';
  }
  return /^(Ed|ES512)/.test(alg) ? 'sha512' : `sha${alg.slice(2)}`;
}

export function generateKey(kind: KeyKind, kid: string = randomBytes(8).toString('hex')): SigningKey {
  // A copy: Node 20 hangs where the garbage collector runs while it exports a pair of `generateKeyPairSync` as a JWK.
  const encoding = { format: 'der', type: 'pkcs8' } as const;
  const privateKey = createPrivateKey({ key: pairOf(kind).privateKey.export(encoding), ...encoding });
  const publicKey = createPublicKey(privateKey);
  return { kind, kid, privateKey, publicKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig' } };
}

function pairOf(kind: KeyKind): { readonly privateKey: KeyObject } {
  if (kind === 'RSA') {
    return generateKeyPairSync('rsa', { modulusLength: 2048 });
  }
  if (kind === 'X25519') {
    return generateKeyPairSync('x25519');
  }
  return kind === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: kind });
}

/** A private key as client metadata's `jwks` holds it. */
export function privateJwk(key: SigningKey, members: Jwk = {}): Jwk {
  return { ...key.privateKey.export({ format: 'jwk' }), kid: key.kid, use: 'sig', ...members };
}

/** The keys of this process by name and kind. They are kept, because an RSA key takes long to make. */
const kept = new Map<string, SigningKey>();

/** The key of this process called `name`, made when first asked for. Two names are two keys. */
export function keyOf(kind: KeyKind, name = 'provider'): SigningKey {
  const known = kept.get(`${name}/${kind}`);
  const key = known ?? generateKey(kind, `${kind.toLowerCase()}-1`);
  kept.set(`${name}/${kind}`, key);
  return key;
}

/**
 * A JWS in compact form (RFC 7515) over any header and any payload, also those that no library would sign.
 *
 * ```ts
 * jws({ alg: 'ES256', kid: 'p-256-1', crit: ['b64'] }, { sub: 'alice' }, keyOf('P-256'));
 * jws({ alg: 'HS256' }, claims, Buffer.from(secret));
 * jws({ alg: 'none' }, claims, undefined);
 * ```
 *
 * @param payload a string is taken as the bytes of the payload
 * @param alg signs with another algorithm than the header says
 */
export function jws(
  header: Readonly<Record<string, unknown>>,
  payload: object | string,
  key: SigningKey | Uint8Array | undefined,
  alg: string = String(header['alg']),
): string {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const input = `${base64url(JSON.stringify(header))}.${base64url(text)}`;
  return `${input}.${signature(input, key, alg).toString('base64url')}`;
}

/** The signature of any text, as bytes; none without a key. */
export function signature(input: string, key: SigningKey | Uint8Array | undefined, alg: string): Buffer {
  if (key === undefined) {
    return Buffer.alloc(0);
  }
  if (key instanceof Uint8Array) {
    return createHmac(`sha${alg.slice(2)}`, key)
      .update(input)
      .digest();
  }
  const rule = ALGORITHMS[alg];
  if (rule?.kind !== key.kind) {
    throw new Error(`A key of kind ${key.kind} can not sign with ${alg}`);
  }
  return sign(rule.hash, Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
    ...(alg.startsWith('PS') && {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    }),
  });
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** Header and claims of a JWT; nothing is verified. */
export function decodeJwt(jwt: string): { header: Record<string, unknown>; claims: Record<string, unknown> } {
  const [header = '', claims = ''] = jwt.split('.');
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString());
  return { header: read(header), claims: read(claims) };
}
