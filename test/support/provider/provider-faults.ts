import { randomBytes } from 'node:crypto';

import { jws, keyOf, kindOf, type SigningKey } from '../tokens/keys.js';
import type { Answer, Recorded } from './faulty-server.js';
import { NO_STORE } from './provider-answers.js';
import type { RegisteredClient } from './provider-clients.js';

export type Members = Readonly<Record<string, unknown>>;

export type Change<T> = (value: T, request: Recorded) => T | Promise<T>;

/**
 * How a JWT is made wrong.
 *
 * - `claims`: other claims; a string is the payload as it is
 * - `header`: other header members; with another `alg` that exists it is signed accordingly
 * - `sign`: `stranger` signs with a key of the same `kid` that is not published, `none` leaves the signature empty, a key
 *   or secret signs with what the header says, a function changes the finished JWT
 */
export interface JwtFault {
  readonly claims?: (claims: Members, request: Recorded) => object | string;
  readonly header?: (header: Members) => Members;
  readonly sign?: 'stranger' | 'none' | SigningKey | Uint8Array | ((jwt: string) => string);
  /** Signs with this algorithm, whatever the header says. */
  readonly signedBy?: string;
}

/** How a response that is JSON or a JWT is made wrong. */
export interface ResponseFault extends JwtFault {
  /** Changes the members: the JSON, or what the JWT says. */
  readonly body?: Change<Members>;
  readonly status?: number;
  readonly contentType?: string;
  /** Sent instead of everything else. */
  readonly raw?: string;
  /** Overrides what the client registered and asked for. */
  readonly as?: 'json' | 'jwt';
}

/** Everything that can be made wrong at once. */
export interface Changes {
  readonly discovery: Change<Members>;
  readonly jwks: Change<{ readonly keys: readonly Members[] }>;
  readonly authorizationResponse: Change<Readonly<Record<string, string | undefined>>>;
  readonly tokenResponse: Change<Members>;
  readonly idToken: JwtFault;
  readonly introspection: ResponseFault;
  readonly userinfo: ResponseFault;
}

export const UNCHANGED: Changes = {
  discovery: (document) => document,
  jwks: (set) => set,
  authorizationResponse: (parameters) => parameters,
  tokenResponse: (members) => members,
  idToken: {},
  introspection: {},
  userinfo: {},
};

/** What a JWT is made of when nobody changes it. */
export interface JwtParts {
  readonly alg: string;
  /** Beside `alg` and `kid`. */
  readonly header?: Members;
  readonly claims: Members;
}

/** Signs for a client, with whatever fault was planned. */
export function signFor(
  client: RegisteredClient,
  { alg, header, claims }: JwtParts,
  fault: JwtFault,
  request: Recorded,
  keyFor: (alg: string) => SigningKey,
): string {
  const usual = { alg, ...(!alg.startsWith('HS') && { kid: keyFor(alg).kid }), ...header };
  const sent = fault.header?.(usual) ?? usual;
  const signedBy = fault.signedBy ?? (isKnown(sent['alg']) ? sent['alg'] : alg);
  const key = signerOf(fault.sign, signedBy, Buffer.from(client.client_secret ?? ''), keyFor);
  const jwt = jws(sent, fault.claims?.(claims, request) ?? claims, key, signedBy);
  return typeof fault.sign === 'function' ? fault.sign(jwt) : jwt;
}

function signerOf(
  sign: JwtFault['sign'],
  alg: string,
  secret: Uint8Array,
  keyFor: (alg: string) => SigningKey,
): SigningKey | Uint8Array | undefined {
  if (typeof sign === 'object') {
    return sign;
  }
  if (sign === 'none' || alg === 'none') {
    return undefined;
  }
  if (alg.startsWith('HS')) {
    return sign === 'stranger' ? randomBytes(64) : secret;
  }
  return sign === 'stranger' ? keyOf(kindOf(alg) ?? 'RSA', 'stranger') : keyFor(alg);
}

function isKnown(alg: unknown): alg is string {
  return typeof alg === 'string' && (alg === 'none' || /^HS(256|384|512)$/.test(alg) || kindOf(alg) !== undefined);
}

/** An answer that is JSON or a JWT, with whatever fault was planned. */
export async function respondWith(
  fault: ResponseFault,
  members: Members,
  request: Recorded,
  { isJwt, type, jwt }: { readonly isJwt: boolean; readonly type: string; readonly jwt: (body: Members) => string },
): Promise<Answer> {
  const body = (await fault.body?.(members, request)) ?? members;
  const asJwt = fault.as === undefined ? isJwt : fault.as === 'jwt';
  return {
    status: fault.status ?? 200,
    headers: { ...NO_STORE, 'content-type': fault.contentType ?? (asJwt ? type : 'application/json') },
    body: fault.raw ?? (asJwt ? jwt(body) : JSON.stringify(body)),
  };
}
