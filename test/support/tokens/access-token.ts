import { randomUUID } from 'node:crypto';

import { jws, type Jwk, type SigningKey } from '../../../lib/testing/provider/keys.js';
import type { CorrectProvider } from '../provider/provider.js';

export interface JwtAccessTokenOptions {
  /** Default ES256. */
  readonly alg?: string;
  /** Stand above the right ones; undefined ones are left out. */
  readonly header?: Jwk;
  readonly claims?: Jwk;
  /** Default: the provider's. */
  readonly key?: SigningKey;
}

/** A JWT access token (RFC 9068) of a provider for `https://api.test`, correct by default. */
export function jwtAccessToken(
  op: CorrectProvider,
  { alg = 'ES256', header, claims, key = op.key(alg) }: JwtAccessTokenOptions = {},
): string {
  const now = op.clock.seconds;
  return jws(
    { typ: 'at+jwt', alg, kid: key.kid, ...header },
    {
      iss: op.issuer,
      sub: 'alice',
      aud: 'https://api.test',
      client_id: 'rp1',
      scope: 'orders:read',
      iat: now,
      exp: now + 3600,
      jti: randomUUID(),
      ...claims,
    },
    key,
    alg,
  );
}
