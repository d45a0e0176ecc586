import { hash } from 'node:crypto';

import * as v from 'valibot';

import {
  authorizationTransactionSchema,
  derivedFrom,
  type AuthorizationTransaction,
} from '../authorization/transaction.js';
import { AuthorizationResponseError } from '../errors/errors.js';
import type { Sealer } from '../storage/sealer.js';
import type { Complete } from '../values/complete.js';
import type { LoginParameters } from './login-parameters.js';

const LABEL = 'login transaction';

/** Bytes of parameters that a cookie keeps for a new login, and of them with the return URL: that one comes first. */
const MAX_PARAMETERS = 512;
const MAX_KEPT = 2050;

/** Bytes of a code verifier (RFC 7636, section 4.1). */
const VERIFIER_LENGTH = 32;

export const loginTransactionSchema = v.object({
  /** The transaction of the protocol. */
  authorization: authorizationTransactionSchema,
  /** The return URL. */
  returnTo: v.string(),
  /** Whether the user asked for a session that outlives the browser. */
  remember: v.optional(v.literal(true)),
  /** Whether the provider was asked to show no page: OpenID Connect Core 1.0, section 3.1.2.1, `prompt`. */
  silent: v.optional(v.literal(true)),
  /** Parameters, beside the configured ones, to begin again with after too long; undefined: it is not begun again. */
  repeatWith: v.optional(v.record(v.string(), v.string())),
});

/** A login that has begun. */
export type LoginTransaction = Readonly<v.InferOutput<typeof loginTransactionSchema>>;

/** Members from the configuration. They are not in the cookie, but authenticated with it. */
const CONFIGURED = ['issuer', 'redirect_uri', 'scope', 'response_type', 'response_mode', 'max_age'] as const;

/** The settings that all logins of a client share. */
export type AuthorizationSettings = Pick<AuthorizationTransaction, (typeof CONFIGURED)[number]>;

/** Members that are true or left out. The sealed tuple lists the names of those that are true. */
const FLAGS = ['remember', 'silent'] as const;

/** Members outside the sealed tuple: configured, derived from the code verifier, the verifier itself, or in the name. */
const KEPT_ELSEWHERE = [...CONFIGURED, 'state', 'nonce', 'code_verifier', 'started_at'] as const;

const othersSchema = v.omit(authorizationTransactionSchema, KEPT_ELSEWHERE);

/**
 * The sealed tuple after the code verifier: the return URL, the other members if there are any, the parameters to begin again
 * with (`null`: it is not begun again), and the flags.
 */
const sealedSchema = v.tuple([
  v.string(),
  v.optional(othersSchema, {}),
  v.optional(v.nullable(v.record(v.string(), v.string())), {}),
  v.optional(v.array(v.picklist(FLAGS)), []),
]);

/**
 * Seals a transaction, as small as it can be: only the values that differ between logins. `state` and `nonce` are derived from
 * the code verifier, and the start is in the name. The configuration is authenticated: after a change of it the login is
 * invalid.
 *
 * @param name of its cookie, with the start of the login in it
 */
export function sealTransaction(sealer: Sealer, name: string, transaction: LoginTransaction): string {
  const { authorization } = transaction;
  const verifier = Buffer.from(authorization.code_verifier, 'base64url');
  const bytes = Buffer.concat([verifier, sealedBytes(transaction)]);
  return sealer.sealBytes(LABEL, placeOf(name, authorization), bytes);
}

/**
 * Opens what {@link sealTransaction} made under the same name and settings.
 *
 * @throws {AuthorizationResponseError} `TRANSACTION_INVALID`
 */
export function openTransaction(
  sealer: Sealer,
  { name, value }: { readonly name: string; readonly value: string },
  settings: AuthorizationSettings,
  started_at: number,
): LoginTransaction {
  const bytes = sealer.openBytes(LABEL, placeOf(name, settings), value)?.bytes;
  const rest = bytes && restOf(bytes.subarray(VERIFIER_LENGTH));
  if (bytes === undefined || rest === undefined) {
    throw new AuthorizationResponseError('TRANSACTION_INVALID', 'The login was not begun here');
  }
  const code_verifier = bytes.subarray(0, VERIFIER_LENGTH).toString('base64url');
  const [returnTo, others, again, flags] = rest;
  const [remember, silent] = FLAGS.map((flag) => flags.includes(flag) || undefined);
  const authorization = { ...settings, ...derivedFrom(code_verifier), code_verifier, started_at, ...others };
  return {
    authorization,
    returnTo,
    remember,
    silent,
    repeatWith: again ?? undefined,
  } satisfies Complete<LoginTransaction>;
}

/** The additional authenticated data of a login's cookie: its name and the settings. */
function placeOf(name: string, settings: AuthorizationSettings): string {
  return JSON.stringify([name, ...CONFIGURED.map((member) => settings[member])]);
}

function sealedBytes({ authorization, returnTo, repeatWith, ...flags }: LoginTransaction): Buffer {
  const others = v.parse(othersSchema, authorization);
  const members = [returnTo, others, repeatWith ?? null, FLAGS.filter((flag) => flags[flag])];
  // Empty members at the end are left out: most cookies need none.
  const length = members.findLastIndex((member) => member === null || Object.keys(member).length > 0) + 1;
  return Buffer.from(JSON.stringify(members.slice(0, Math.max(length, 1))), 'utf8');
}

/** Reads the sealed tuple; undefined if another version of this library sealed it. */
function restOf(bytes: Buffer): v.InferOutput<typeof sealedSchema> | undefined {
  const { success, output } = v.safeParse(sealedSchema, JSON.parse(bytes.toString('utf8')));
  return success ? output : undefined;
}

/** The parameters, where they are short enough to be kept for a login that begins again. */
export function mayRepeat(parameters: LoginParameters, returnTo: string): LoginParameters | undefined {
  const bytes = Buffer.byteLength(JSON.stringify(parameters));
  return bytes <= MAX_PARAMETERS && bytes + returnTo.length <= MAX_KEPT ? parameters : undefined;
}

/** Hash of a `state`, for places that must not keep the `state` itself. */
export function stateHash(state: string): string {
  return hash('sha256', state, 'base64url').slice(0, 16);
}
