import { randomUUID } from 'node:crypto';

import {
  resourceServerOptionsSchema,
  type ResourceServerOptions,
  type ResourceServerSettings,
} from '../resource-server/resource-server.options.js';
import { claimsByProfile, rolesByProfile, typByProfile } from '../tokens/profiled-claims.js';
import type { JsonObject } from '../values/json.js';
import { validate } from '../values/validate.js';
import { randomValue, type IssuedAccessToken } from './provider/issued.js';
import { jws, type SigningKey } from './provider/keys.js';

/** What an access token says. */
export interface AccessTokenContent {
  /** That of the client where the token is its own (RFC 9068, section 2.2). */
  readonly sub: string;
  readonly clientId: string;
  readonly scope?: string | undefined;
  readonly roles?: readonly string[] | undefined;
  /** Default: the API. */
  readonly audience?: string | readonly string[] | undefined;
  /** Seconds from now on; less than 0: it is over already. Default 3600. */
  readonly expiresIn?: number | undefined;
  /** What it is bound to. */
  readonly cnf?: JsonObject | undefined;
  /** Stand above all others. */
  readonly claims?: JsonObject | undefined;
  /** Default: as the API verifies it. */
  readonly format?: 'opaque' | 'jwt' | undefined;
}

/** Who issues a token. */
export interface AccessTokenIssuer {
  readonly issuer: string;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly keyFor: (alg: string) => SigningKey;
}

/** Writes access tokens for an API, in the shape of its profile. */
export class AccessTokenWriter {
  readonly #api: ResourceServerSettings;

  /** @throws {ConfigError} an option of the API is wrong */
  constructor(options: ResourceServerOptions) {
    this.#api = validate(resourceServerOptionsSchema, options, 'resourceServer');
  }

  /** A token. Introspection knows it, whether or not it is a JWT (RFC 7662, section 2.2). */
  write(content: AccessTokenContent, by: AccessTokenIssuer): IssuedAccessToken {
    const { algorithms: [alg = 'ES256'] = [], accessTokens, validation } = this.#api;
    const { format = validation === 'introspection' ? 'opaque' : 'jwt', cnf } = content;
    const claims = this.#claims(content, by);
    const key = by.keyFor(alg);
    const header = { alg, kid: key.kid, typ: typByProfile(accessTokens) };
    return {
      value: format === 'jwt' ? jws(header, this.#asJwt(claims), key) : randomValue(),
      members: { token_type: cnf?.['jkt'] === undefined ? 'Bearer' : 'DPoP', ...claims },
    };
  }

  /** Roles where the profile has them. */
  rolesClaims(roles: readonly string[]): JsonObject {
    const [api = ''] = this.#audiences;
    return rolesByProfile(this.#api.accessTokens, roles, api);
  }

  /** A JWT of a profile without scopes has none; an introspection tells them all the same (RFC 7662, section 2.2). */
  #asJwt({ scope, ...claims }: JsonObject): JsonObject {
    const hasScopes = scope !== undefined && this.#api.accessTokens.scopes !== undefined;
    return hasScopes ? { ...claims, scope } : claims;
  }

  get #audiences(): readonly string[] {
    const { audience } = this.#api;
    return audience === false ? [] : [audience].flat();
  }

  #claims(content: AccessTokenContent, { issuer, now }: AccessTokenIssuer): JsonObject {
    const { sub, clientId, scope = '', roles = [], audience: aud = this.#audiences, expiresIn = 3600, cnf } = content;
    const profile = this.#api.accessTokens;
    const [audience = ''] = [aud].flat();
    return {
      ...claimsByProfile(profile, { clientId, audience, scope, roles, now }),
      iss: issuer,
      sub,
      client_id: clientId,
      ...(scope !== '' && { scope }),
      iat: now,
      nbf: now,
      exp: now + expiresIn,
      jti: randomUUID(),
      ...(cnf !== undefined && { cnf }),
      ...(profile.audience === undefined ? { aud } : { [profile.audience]: audience }),
      ...content.claims,
    };
  }
}
