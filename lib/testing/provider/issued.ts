import { randomBytes } from 'node:crypto';

import type { RegisteredClient } from './clients.js';
import type { ProviderClock } from './provider-clock.js';
import type { Members } from './response-hooks.js';

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

/** An access token, and what introspection says of it. */
export interface IssuedAccessToken {
  readonly value: string;
  readonly members: IssuedToken;
}

/** Makes an access token of what is asked of it. */
export type MakeAccessToken = (asked: IssuedToken) => IssuedAccessToken;

/** Who is signed in. */
export interface SignedIn {
  readonly sub: string;
  /** What the ID token says beside `sub`. */
  readonly claims?: Members;
}

/** What somebody allowed a client. */
export interface Grant {
  readonly client: RegisteredClient;
  readonly scope: string;
  readonly sub: string;
  readonly nonce: string | undefined;
  readonly authTime: number;
  /** What the ID token says of the user beside `sub`. */
  readonly claims?: Members;
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
    private readonly clock: ProviderClock,
    private readonly make: MakeAccessToken,
  ) {}

  /** A new access token. */
  token(asked: IssuedToken): string {
    return this.remember(this.make(asked));
  }

  remember({ value, members }: IssuedAccessToken): string {
    this.#tokens.set(value, members);
    return value;
  }

  /** A new code for an authorization request. */
  code(client: RegisteredClient, request: Readonly<Record<string, string | undefined>>, user: SignedIn): string {
    const code = randomValue();
    this.#codes.set(code, {
      client,
      scope: request['scope'] ?? 'openid',
      ...user,
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
    const token = randomValue();
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

/** 256 random bits. */
export function randomValue(): string {
  return randomBytes(32).toString('base64url');
}
