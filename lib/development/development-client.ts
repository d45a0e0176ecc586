import type { RegisteredClient } from '../metadata/registered-client.js';
import type { AccessTokenProfile } from '../tokens/access-token-profile.js';

/** The API beside a client: which access tokens it takes. */
export interface DevelopmentApi {
  /** One of them is the `aud` of its tokens; the first, unless a request asks for another. */
  readonly audiences: readonly string[];
  /** Where it is called, as far as the options say. */
  readonly url: string | undefined;
  /** An opaque token is introspected, a JWT is verified. */
  readonly format: 'opaque' | 'jwt';
  /** Signs its JWTs. */
  readonly algorithm: string;
  readonly profile: AccessTokenProfile;
  /** Whether it takes no bearer tokens. */
  readonly isBindingRequired: boolean;
}

/** What the provider for development knows of a client of this process. */
export interface DevelopmentClient {
  readonly issuer: string;
  readonly client: RegisteredClient;
  /** What its logins ask for. */
  readonly scope: string;
  /** Undefined: it is a client only. */
  readonly api: DevelopmentApi | undefined;
}

/** A machine that gets tokens for itself, at every provider for development. */
export const MACHINE = { client_id: 'cli', client_secret: 'cli-secret' } as const;

/** Scopes of OpenID Connect: they are about the end-user and open no API (Core 1.0, sections 5.4 and 11). */
export const OPENID_SCOPES: readonly string[] = ['openid', 'profile', 'email', 'offline_access'];

/** The scopes that a client is known to use. */
export function scopesOf({ client, scope }: DevelopmentClient): readonly string[] {
  const words = [client.metadata.scope ?? '', scope].join(' ').split(' ').filter(Boolean);
  return [...new Set(words)];
}
