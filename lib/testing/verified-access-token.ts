import { Clock } from '../clock/clock.js';
import { AccessTokenReader } from '../tokens/access-token-reader.js';
import { ACCESS_TOKEN_PROFILES } from '../tokens/access-token-profiles.js';
import { VerifiedAccessToken } from '../tokens/verified-access-token.js';
import { validate } from '../values/validate.js';
import { randomValue } from './provider/issued.js';
import { accessTokenSchema, type TestAccessToken } from './test-provider.options.js';

const ISSUER = 'https://op.example.com';

/**
 * A verified access token for a unit test, which has no provider and replaces the guard. Nothing was verified.
 *
 * ```ts
 * import type { ExecutionContext } from '@nestjs/common';
 * import { Test } from '@nestjs/testing';
 * import { OidcGuard } from 'nestjs-oidc';
 * import { verifiedAccessToken } from 'nestjs-oidc/testing';
 * import { AppModule } from './app.module.js';
 *
 * const alice = {
 *   canActivate(context: ExecutionContext) {
 *     context.switchToHttp().getRequest().user = verifiedAccessToken({ sub: 'alice', scope: 'orders:read' });
 *     return true;
 *   },
 * };
 * await Test.createTestingModule({ imports: [AppModule] }).overrideGuard(OidcGuard).useValue(alice).compile();
 * ```
 */
export function verifiedAccessToken(
  given: Pick<TestAccessToken, 'sub' | 'scope' | 'roles' | 'client_id' | 'claims'> = {},
): VerifiedAccessToken {
  const asked = validate(accessTokenSchema, given, 'verifiedAccessToken');
  const { sub = 'alice', scope = '', roles = [], client_id = 'test-client', claims: more } = asked;
  const claims = { iss: ISSUER, sub: sub ?? client_id, client_id, scope, roles, ...more };
  const reader = new AccessTokenReader(ACCESS_TOKEN_PROFILES.rfc9068, undefined);
  const clock = new Clock(Date.now, 0, 0);
  return VerifiedAccessToken.verify(randomValue(), { claims, isStale: false }, { issuer: ISSUER, reader, clock });
}
