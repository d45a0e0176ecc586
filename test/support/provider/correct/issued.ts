import { randomBytes } from 'node:crypto';

import type { TestClock } from '../../clock.js';
import type { RegisteredClient } from './clients.js';

/** What the provider knows of an access token: the members of an introspection response. */
export interface IssuedToken {
  readonly [member: string]: unknown;
  readonly scope?: string;
  readonly aud?: unknown;
  readonly exp?: unknown;
  readonly sub?: string | undefined;
  readonly client_id?: string;
  /** Left out: as long as `exp` lies ahead. Given: said as it is, whatever `exp` says. */
  readonly active?: unknown;
}

/** What somebody allowed a client. */
export interface Grant {
  readonly client: RegisteredClient;
  readonly scope: string;
  readonly sub: string;
  readonly nonce: string | undefined;
  readonly authTime: number;
}

/** An authorization code. */
export interface Code extends Grant {
  readonly redirectUri: string;
  readonly challenge: string;
  /** RFC 9449, section 10. */
  readonly jkt: string | undefined;
  readonly expiresAt: number;
  readonly wantsAuthTime: boolean;
}

/** The codes, access tokens and refresh tokens that the provider gave out. */
export class Issued {
  readonly #codes = new Map<string, Code>();
  readonly #usedCodes = new Map<string, readonly string[]>();
  readonly #tokens = new Map<string, IssuedToken>();
  readonly #refreshTokens = new Map<string, Grant>();

  constructor(
    private readonly issuer: () => string,
    private readonly clock: TestClock,
  ) {}

  /** A new opaque access token. `members` stand above the usual ones. */
  token(members: IssuedToken): string {
    const token = random();
    const now = this.clock.seconds;
    this.#tokens.set(token, {
      iss: this.issuer(),
      sub: 'alice',
      aud: 'https://api.test',
      client_id: 'rp1',
      scope: 'orders:read',
      token_type: 'Bearer',
      iat: now,
      exp: now + 3600,
      ...members,
    });
    return token;
  }

  /** A new code for an authorization request. */
  code(client: RegisteredClient, request: Readonly<Record<string, string | undefined>>, sub: string): string {
    const code = random();
    this.#codes.set(code, {
      client,
      scope: request['scope'] ?? 'openid',
      sub,
      nonce: request['nonce'],
      authTime: this.clock.seconds,
      wantsAuthTime: request['max_age'] !== undefined || client['require_auth_time'] === true,
      redirectUri: request['redirect_uri'] ?? '',
      challenge: request['code_challenge'] ?? '',
      jkt: request['dpop_jkt'],
      expiresAt: this.clock.seconds + 60,
    });
    return code;
  }

  refreshToken(grant: Grant): string {
    const token = random();
    this.#refreshTokens.set(token, grant);
    return token;
  }

  /** RFC 6749, section 4.1.2: a code works once, and its second use ends what the first brought. */
  takeCode(value: string): Code | undefined {
    this.#usedCodes.get(value)?.forEach((token) => this.expire(token));
    const code = this.#codes.get(value);
    this.#codes.delete(value);
    return code;
  }

  /** Remembers the tokens that a code brought. */
  useCode(value: string, tokens: readonly string[]): void {
    this.#usedCodes.set(value, tokens);
  }

  grantOf(refreshToken: string): Grant | undefined {
    return this.#refreshTokens.get(refreshToken);
  }

  /** What introspection says of an access token; undefined when it is not active. */
  activeToken(value: string): IssuedToken | undefined {
    const token = this.#tokens.get(value);
    if (token === undefined) {
      return undefined;
    }
    if ('active' in token) {
      return token;
    }
    return Number(token.exp ?? Number.POSITIVE_INFINITY) > this.clock.seconds ? { active: true, ...token } : undefined;
  }

  isKnown(token: string): boolean {
    return this.#tokens.has(token) || this.#refreshTokens.has(token);
  }

  /** Forgets a token. */
  expire(token: string): void {
    this.#tokens.delete(token);
    this.#refreshTokens.delete(token);
  }
}

function random(): string {
  return randomBytes(32).toString('base64url');
}
