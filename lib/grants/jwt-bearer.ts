import { randomUUID } from 'node:crypto';

import type { FormParameters } from '../authorization-server/form-encoding.js';
import { clientSignature } from '../authorization-server/client-signature.js';
import { accessParameters, type RequestedAccess } from '../authorization-server/requested-access.js';
import type { Server } from '../authorization-server/server.js';
import { ConfigError } from '../errors/errors.js';
import type { TokenResponse } from '../tokens/token-response.js';
import { requireTokenText } from '../tokens/token-text.js';
import { given } from '../values/given.js';
import type { JsonObject } from '../values/json.js';
import { extensionGrant, type GrantOptions } from './extension-grant.js';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

/** Lifetime of an assertion of ours in seconds: long enough for one request. */
const LIFETIME = 60;

/** Parameters of the JWT bearer grant (RFC 7523, section 2.1): an assertion, or what to write into one of our own. */
export interface JwtBearerOptions extends RequestedAccess, GrantOptions {
  /** A JWT that somebody else issued. */
  readonly assertion?: string;
  /** The subject of an assertion that is signed with a private key of `client.jwks`. */
  readonly sub?: string;
  /** More claims of that assertion; they stand above ours: `iss` (the client), `aud` (the issuer), `iat`, `exp`, `jti`. */
  readonly claims?: JsonObject;
  /** Space-separated. */
  readonly scope?: string;
  /** More parameters. */
  readonly parameters?: FormParameters;
}

/**
 * JWT bearer grant (RFC 7523, section 2.1): tokens for an assertion.
 *
 * @throws {ConfigError} there is neither an assertion nor a subject, or no key to sign with
 */
export async function jwtBearerGrant(server: Server, options: JwtBearerOptions): Promise<TokenResponse> {
  const { assertion: foreign, sub, claims, scope, parameters, trustedAudiences, dpop_key, ...access } = options;
  const assertion = foreign ?? (await ownAssertion(server, { ...given({ sub }), ...claims }));
  requireTokenText(assertion);
  const form = {
    ...parameters,
    ...accessParameters(server.client.metadata, access),
    assertion,
    ...given({ scope }),
  };
  return extensionGrant(server, GRANT_TYPE, form, { trustedAudiences, dpop_key });
}

/** An assertion of ours about a subject (RFC 7523, section 3). */
async function ownAssertion({ client, issuer, clock, profile }: Server, claims: JsonObject): Promise<string> {
  if (typeof claims['sub'] !== 'string') {
    throw new ConfigError('INVALID_CONFIG', 'sub', 'is required where no assertion is given');
  }
  const sign = clientSignature(client, undefined, 'JWT', profile?.algorithms);
  const iat = Math.floor(clock.seconds());
  const usual = { iss: client.metadata.client_id, aud: issuer, iat, exp: iat + LIFETIME, jti: randomUUID() };
  return sign({ ...usual, ...claims });
}
