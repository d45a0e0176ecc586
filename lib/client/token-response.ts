import type { Now } from '../clock/clock.js';
import { ResponseError } from '../errors/errors.js';
import type { JsonObject } from '../http/json.js';
import type { HttpResponse } from '../http/response.js';
import type { DpopKey } from '../jose/dpop-key.js';
import { requireJson, requireOk } from './oauth-response.js';

export interface TokenResponseMembers {
  readonly access_token: string;
  readonly token_type: string;
  readonly scope: string;
  readonly expires_at?: number | undefined;
  readonly id_token?: string | undefined;
  readonly refresh_token?: string | undefined;
  readonly dpop_key?: DpopKey | undefined;
}

/**
 * The tokens of one grant (RFC 6749, section 5.1; OpenID Connect Core 1.0, section 3.1.3.3).
 *
 * The tokens themselves are read by name and appear nowhere else: not in a log, not in JSON.
 */
export class TokenResponse {
  readonly token_type: string;
  /** What was granted, space-separated. */
  readonly scope: string;
  /** Seconds since the epoch; undefined when the server did not say. */
  readonly expires_at: number | undefined;
  readonly #members: TokenResponseMembers;

  constructor(members: TokenResponseMembers) {
    this.token_type = members.token_type;
    this.scope = members.scope;
    this.expires_at = members.expires_at;
    this.#members = members;
    Object.freeze(this);
  }

  get access_token(): string {
    return this.#members.access_token;
  }

  get id_token(): string | undefined {
    return this.#members.id_token;
  }

  get refresh_token(): string | undefined {
    return this.#members.refresh_token;
  }

  /** What the access token is bound to, where `dpop_bound_access_tokens` is registered. */
  get dpop_key(): DpopKey | undefined {
    return this.#members.dpop_key;
  }
}

/** What the request was about, where the response may leave it out. */
export interface GrantedByRequest {
  /** RFC 6749, section 5.1: the scope of a response that names none is the one that was asked for. */
  readonly scope: string;
  /** RFC 6749, section 6: a refresh that brings no new refresh token keeps the old one. */
  readonly refresh_token?: string;
  /** What the request was proven with: the token has to be bound to it (RFC 9449, section 5). */
  readonly dpop_key?: DpopKey | undefined;
}

/**
 * Reads the answer of the token endpoint.
 *
 * @throws {OAuthError} the server refused the grant
 * @throws {ResponseError} `TOKEN_RESPONSE_INVALID`: a member is missing or of a wrong type, or the token is of a kind
 *   that was not asked for
 */
export function processTokenResponse(response: HttpResponse, request: GrantedByRequest, now: Now): TokenResponse {
  requireOk(response, 'token_endpoint');
  const json = requireJson(response);
  const token_type = requireString(json, 'token_type');
  // RFC 6749, section 7.1: a token of a type that is not understood is not used. The type's case does not matter.
  if (token_type.toLowerCase() !== (request.dpop_key === undefined ? 'bearer' : 'dpop')) {
    throw invalid('token_type');
  }
  const expires_in = json['expires_in'];
  if (expires_in !== undefined && !(typeof expires_in === 'number' && expires_in >= 0 && expires_in < 1e10)) {
    throw invalid('expires_in');
  }
  return new TokenResponse({
    access_token: requireString(json, 'access_token'),
    token_type,
    scope: optionalString(json, 'scope') ?? request.scope,
    expires_at: expires_in === undefined ? undefined : Math.floor(now() / 1000) + expires_in,
    id_token: optionalString(json, 'id_token'),
    refresh_token: optionalString(json, 'refresh_token') ?? request.refresh_token,
    dpop_key: request.dpop_key,
  });
}

function requireString(json: JsonObject, member: string): string {
  const value = optionalString(json, member);
  if (value === undefined) {
    throw invalid(member);
  }
  return value;
}

/** RFC 6749, appendix A: what a token, its type and a scope are made of. An empty scope is a grant without any. */
const VISIBLE = /^[\x20-\x7e]+$/;

function optionalString(json: JsonObject, member: string): string | undefined {
  const value = json[member];
  const mayBeEmpty = member === 'scope' && value === '';
  if (value !== undefined && (typeof value !== 'string' || !(mayBeEmpty || VISIBLE.test(value)))) {
    throw invalid(member);
  }
  return value;
}

function invalid(member: string): ResponseError {
  return new ResponseError('TOKEN_RESPONSE_INVALID', `The token response has a wrong or missing member: ${member}.`);
}
