import { randomBytes } from 'node:crypto';

import type { RegisteredClient } from '../../../lib/testing/provider/clients.js';
import { encryptionFor, encryptTo, type Encryption } from '../../../lib/testing/provider/encrypting.js';
import type { Answer } from '../../../lib/testing/provider/http-answer.js';
import { jws, keyOf, kindOf, type SigningKey } from '../../../lib/testing/provider/keys.js';
import type { Recorded } from '../../../lib/testing/provider/loopback-server.js';
import { NO_STORE } from '../../../lib/testing/provider/oauth-answers.js';
import type { ProtectedResponse } from '../../../lib/testing/provider/protected-response.js';
import type { Change, Members } from '../../../lib/testing/provider/response-hooks.js';
import { headerOf, signerFor, type KeyFor, type UnsignedJwt } from '../../../lib/testing/provider/signing.js';

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
  /**
   * How it is encrypted: not at all, by other algorithms than the registered ones, or by a function that makes something of
   * the signed JWT and of what the encryption should be.
   */
  readonly encrypt?:
    'none' | Partial<Encryption> | ((signed: string, right: () => Promise<string>) => string | Promise<string>);
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

/** Signs and encrypts for a client, with whatever fault was planned. */
export async function protectFor(
  jwt: UnsignedJwt,
  fault: JwtFault,
  request: Recorded,
  keyFor: KeyFor,
): Promise<string> {
  const signed = signFor(jwt, fault, request, keyFor);
  const registered = encryptionFor(jwt.client, jwt.answer);
  const { encrypt } = fault;
  if (encrypt === 'none') {
    return signed;
  }
  const right = async (others: Partial<Encryption> = {}): Promise<string> =>
    registered === undefined ? signed : encryptTo(jwt.client, signed, { ...registered, ...others });
  return typeof encrypt === 'function' ? encrypt(signed, right) : right(encrypt);
}

function signFor(jwt: UnsignedJwt, fault: JwtFault, request: Recorded, keyFor: KeyFor): string {
  const usual = headerOf(jwt, keyFor);
  const sent = fault.header?.(usual) ?? usual;
  const signedBy = fault.signedBy ?? (isKnown(sent['alg']) ? sent['alg'] : jwt.alg);
  const key = signerOf(fault.sign, signedBy, jwt.client, keyFor);
  const signed = jws(sent, fault.claims?.(jwt.claims, request) ?? jwt.claims, key, signedBy);
  return typeof fault.sign === 'function' ? fault.sign(signed) : signed;
}

function signerOf(
  sign: JwtFault['sign'],
  alg: string,
  client: RegisteredClient,
  keyFor: KeyFor,
): SigningKey | Uint8Array | undefined {
  if (typeof sign === 'object') {
    return sign;
  }
  if (sign === 'none') {
    return undefined;
  }
  if (sign === 'stranger' && alg !== 'none') {
    return alg.startsWith('HS') ? randomBytes(64) : keyOf(kindOf(alg) ?? 'RSA', 'stranger');
  }
  return signerFor(client, alg, keyFor);
}

function isKnown(alg: unknown): alg is string {
  return typeof alg === 'string' && (alg === 'none' || /^HS(256|384|512)$/.test(alg) || kindOf(alg) !== undefined);
}

/** An answer that is JSON or a JWT, with whatever fault was planned. */
export async function respondWith(
  { members, isJwt, type, jwt }: ProtectedResponse,
  fault: ResponseFault,
  request: Recorded,
  keyFor: KeyFor,
): Promise<Answer> {
  const body = (await fault.body?.(members, request)) ?? members;
  const asJwt = fault.as === undefined ? isJwt : fault.as === 'jwt';
  return {
    status: fault.status ?? 200,
    headers: { ...NO_STORE, 'content-type': fault.contentType ?? (asJwt ? type : 'application/json') },
    body: fault.raw ?? (asJwt ? await protectFor(jwt(body), fault, request, keyFor) : JSON.stringify(body)),
  };
}
