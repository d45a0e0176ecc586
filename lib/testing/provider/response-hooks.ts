import type { Answer } from './http-answer.js';
import type { Recorded } from './loopback-server.js';
import { answerWith, type ProtectedResponse } from './protected-response.js';
import { protect, type KeyFor, type UnsignedJwt } from './signing.js';

export type Members = Readonly<Record<string, unknown>>;

/** Changes a value before it is sent. */
export type Change<T> = (value: T, request: Recorded) => T | Promise<T>;

/** What each kind of answer goes through before it is sent: one hook for each. */
export interface ResponseHooks {
  readonly discovery: Change<Members>;
  readonly jwks: Change<{ readonly keys: readonly Members[] }>;
  /** The parameters that the browser takes back; those that are undefined are left out. */
  readonly authorizationResponse: Change<Readonly<Record<string, string | undefined>>>;
  /** Signs the JWT that the parameters are the claims of (JARM), and encrypts it where that is registered. */
  readonly authorizationJwt: (jwt: UnsignedJwt, request: Recorded) => Promise<string>;
  /** The members of a successful token response. */
  readonly tokenResponse: Change<Members>;
  /** The members of a device authorization response. */
  readonly deviceResponse: Change<Members>;
  /** The members of a backchannel authentication response. */
  readonly backchannelResponse: Change<Members>;
  /** Signs it, and encrypts it where that is registered. */
  readonly idToken: (jwt: UnsignedJwt, request: Recorded) => Promise<string>;
  /** Make it JSON or a JWT. */
  readonly userinfo: (response: ProtectedResponse, request: Recorded) => Answer | Promise<Answer>;
  readonly introspection: (response: ProtectedResponse, request: Recorded) => Answer | Promise<Answer>;
}

/** The hooks that send everything as it should be. */
export function unchanged(keyFor: KeyFor): ResponseHooks {
  return {
    discovery: (document) => document,
    jwks: (set) => set,
    authorizationResponse: (parameters) => parameters,
    authorizationJwt: (jwt) => protect(jwt, keyFor),
    tokenResponse: (members) => members,
    deviceResponse: (members) => members,
    backchannelResponse: (members) => members,
    idToken: (jwt) => protect(jwt, keyFor),
    userinfo: (response) => answerWith(response, keyFor),
    introspection: (response) => answerWith(response, keyFor),
  };
}
