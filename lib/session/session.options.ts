import * as v from 'valibot';

import { secretsSchema } from '../values/secrets.schema.js';
import type { SessionContent } from './session-content.js';
import type { SessionRoles } from './session-roles.js';

const seconds = v.pipe(v.number(), v.integer('must be whole seconds'), v.minValue(1, 'must be at least a second'));

const NOT_A_HOST = 'must be a host of at least two labels, such as example.com';

/** Schema of `session.cookie`. */
const cookieSchema = v.strictObject({
  /**
   * Default `lax`. `none` is for an application in a frame of another site, and is for its login as well. With `strict` the
   * browser brings no session where it comes from another site, not even right after a login. There `OidcSessionGuard` answers
   * with 401 and has the browser ask again at once (`Refresh`).
   */
  sameSite: v.optional(v.picklist(['strict', 'lax', 'none'])),
  /** A host that all of the redirect URIs' hosts are, or are below: each host below it gets the session, and may set one. */
  domain: v.optional(v.pipe(v.string(), v.regex(/^(?:[a-z\d](?:[a-z\d-]*[a-z\d])?\.)+[a-z][a-z\d-]*$/, NOT_A_HOST))),
  /** In a frame, keeps the sessions within each embedding site apart (CHIPS). Needs `sameSite: 'none'`. Default false. */
  partitioned: v.optional(v.boolean()),
});

/** The type of `session.validate`, with a method's looser parameters: the application knows the type of its users. */
interface Validates {
  validate(user: unknown, session: SessionContent<unknown>): unknown;
}

/** Checks a session's user once in each request: see `session.validate`. */
export type ValidateSession = Validates['validate'];

/** Schema of the `session` option. Login and session guards require it. */
export const sessionOptionsSchema = v.strictObject({
  /**
   * Secrets that seal the cookies: random, at least 32 bytes each. The first seals, all of them open. To rotate, put a new
   * one in front and remove the old one when its sessions have ended.
   */
  secret: secretsSchema,
  /** Seconds from the login to the end of the session, even if it is in use. Default: 28800, eight hours. */
  absoluteLifetime: v.optional(seconds, 28_800),
  /** Seconds without a request after which the session ends. Default: none. */
  idleLifetime: v.optional(seconds),
  /** Whether each request through a session guard counts as a use, for `idleLifetime`. Default true. */
  rolling: v.optional(v.boolean(), true),
  /**
   * Whether the cookie outlives the browser: always, never, or `on-request`, for a login that says `?remember=true`. Default
   * false.
   */
  persistent: v.optional(v.union([v.boolean(), v.literal('on-request')], "must be true, false or 'on-request'"), false),
  /** Whether a back-channel logout revokes the refresh tokens of the sessions that it ends. Default false. */
  revokeOnLogout: v.optional(v.boolean(), false),
  /**
   * Whether `OidcSessionGuard` sends a browser that navigates to the login, and back afterwards, where `routes` mounts one. A
   * script always gets 401. Default true.
   */
  redirectToLogin: v.optional(v.boolean(), true),
  /**
   * Whether `OidcSessionGuard` signs a browser in silently on routes with `@OptionalAuth()`, where `routes` mounts a login. It
   * is sent to the provider, which shows no page (`prompt=none`), and comes back, signed in or not. It tries once, and again
   * only after it had a session. Default false.
   */
  silentLogin: v.optional(v.boolean(), false),
  /** Attributes of the cookie, for an application in a frame or for all hosts of a domain. */
  cookie: v.optional(cookieSchema, {}),
  /**
   * Checks the user in each request with a session, such as for roles that change in a database. It returns what becomes
   * `request.user`, or nothing: then the session ends. What it throws is the request's error, and the session stays.
   */
  validate: v.optional(v.custom<ValidateSession>((value) => typeof value === 'function', 'must be a function')),
  /**
   * Where sessions are kept: in the `store`, with an id and a key in the cookie, or in cookies alone. Default: `store` where
   * there is one.
   */
  keep: v.optional(v.picklist(['store', 'cookie'])),
  /**
   * Keeps the access and refresh token in the session, for API calls on behalf of the user. Default: true in a store, and
   * false in cookies, because they make the cookies of each request larger.
   */
  tokens: v.optional(v.boolean()),
  /**
   * Reads the roles of a user, for `@Roles`. Default: the user's `roles`, or those of its `claims` that the profile
   * `resourceServer.accessTokens` names.
   */
  roles: v.optional(v.custom<SessionRoles>((value) => typeof value === 'function', 'must be a function')),
});

/** `session`, as an application writes it. */
export type SessionOptions = v.InferInput<typeof sessionOptionsSchema>;

/** `session`, with its defaults and its secrets wrapped. */
export type SessionSettings = v.InferOutput<typeof sessionOptionsSchema>;

/** Where sessions are kept and whether their tokens are: what is not said depends on whether there is a store. */
export function keepingOf(
  { keep, tokens }: Pick<SessionSettings, 'keep' | 'tokens'>,
  hasStore: boolean,
): { readonly keep: 'store' | 'cookie'; readonly tokens: boolean } {
  const place = keep ?? (hasStore ? 'store' : 'cookie');
  return { keep: place, tokens: tokens ?? place === 'store' };
}
