import type { AuthorizationRequests } from './authorization-requests.js';
import type { ProviderClients } from './clients.js';
import type { Consents } from './consents.js';
import type { Issued, SignedIn } from './issued.js';
import type { KeyRing } from './key-ring.js';
import type { Recorded } from './loopback-server.js';
import type { ProviderClock } from './provider-clock.js';
import type { RegistrationTokens } from './registration-endpoint.js';
import type { Members, ResponseHooks } from './response-hooks.js';

/** The endpoints beside discovery, by their paths below the issuer. */
export const ENDPOINTS = [
  'jwks',
  'authorize',
  'par',
  'token',
  'userinfo',
  'introspect',
  'revoke',
  'end-session',
  'device-authorization',
  'register',
  'check-session',
  'told',
  'backchannel-authentication',
] as const;

export type Endpoint = (typeof ENDPOINTS)[number];

/** What the endpoints of a provider share. */
export interface ProviderContext {
  readonly issuer: string;
  readonly url: (endpoint: Endpoint) => string;
  readonly clock: ProviderClock;
  readonly clients: ProviderClients;
  readonly registrations: RegistrationTokens;
  readonly requests: AuthorizationRequests;
  readonly keys: KeyRing;
  readonly issued: Issued;
  readonly consents: Consents;
  /** Who is signed in in the browser that a request comes from. */
  readonly userOf: (request: Recorded) => SignedIn;
  /** What userinfo says of somebody. */
  readonly claimsOf: (sub: string) => Members;
  readonly hooks: ResponseHooks;
  /** Whether it remembers who is signed in in which browser (OpenID Connect Session Management 1.0). */
  readonly managesSessions: boolean;
}
