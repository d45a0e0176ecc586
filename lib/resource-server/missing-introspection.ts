import { AccessTokenError, ConfigError, VerificationError } from '../errors/errors.js';
import { profilesFor } from '../tokens/access-token-fault.js';
import type { FoundClaims } from '../tokens/verified-access-token.js';
import { isPromise, type Awaitable } from '../values/awaitable.js';

/** Replaces the error of a server that has no introspection endpoint. */
export function withoutEndpoint(
  found: Awaitable<FoundClaims>,
  instead: (cause: ConfigError) => Error,
): Awaitable<FoundClaims> {
  return isPromise(found)
    ? found.catch((error: unknown) => {
        throw lacksEndpoint(error) ? instead(error) : error;
      })
    : found;
}

/** The refusal of a token that the profile does not take. */
export function notTaken(token: string, cause: ConfigError): AccessTokenError {
  const facts = { profiles: profilesFor(token) };
  const message = 'The profile does not take the token, and the server does not introspect it.';
  return new AccessTokenError('TOKEN_TYPE', message, { facts, cause });
}

/** What to configure in place of introspection, for the log. */
export function adviceFor(token: string): ConfigError {
  const problem = "is not published by the server. To verify JWTs without it, set validation: 'jwt' and accessTokens";
  const facts = { profiles: profilesFor(token) };
  return new ConfigError('ENDPOINT_MISSING', 'server.introspection_endpoint', problem, { facts });
}

/** Introspects a refused JWT that only lacks a claim, if the server can introspect. Any other stays refused. */
export async function introspectedDespite(refusal: unknown, ask: () => Awaitable<FoundClaims>): Promise<FoundClaims> {
  if (!lacksClaim(refusal)) {
    throw refusal;
  }
  try {
    return await ask();
  } catch (error) {
    throw lacksEndpoint(error) ? refusal : error;
  }
}

/** Whether the server has no introspection endpoint. */
function lacksEndpoint(error: unknown): error is ConfigError {
  return error instanceof ConfigError && error.code === 'ENDPOINT_MISSING';
}

/** Whether a JWT was refused for a missing claim alone: its signature, issuer, audience and times are valid. */
function lacksClaim(error: unknown): boolean {
  const cause = error instanceof AccessTokenError ? error.cause : undefined;
  return cause instanceof VerificationError && cause.code === 'CLAIM_MISSING';
}
