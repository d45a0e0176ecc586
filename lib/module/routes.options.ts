import * as v from 'valibot';

const NOT_PLAIN = 'must be a plain path such as /auth/login, or false';

/** Letters, digits and `-._~` between slashes: what no router reads as a pattern (RFC 3986, section 2.3). */
const PLAIN_PATH = /^(?:\/[\w.~-]+)+$/;

const path = (usual: string) =>
  v.optional(v.union([v.literal(false), v.pipe(v.string(), v.regex(PLAIN_PATH, NOT_PLAIN))], NOT_PLAIN), usual);

const pathsSchema = v.strictObject({
  /** `GET` begins a login. Default `/auth/login`. */
  login: path('/auth/login'),
  /** `GET`, or `POST` with `form_post`: the path of each registered redirect URI. Default `/auth/callback`. */
  callback: path('/auth/callback'),
  /** `POST` signs out, here and at the provider. `GET` shows a page that asks first. Default `/auth/logout`. */
  logout: path('/auth/logout'),
  /** `GET`: where the provider sends the browser after a logout. Default `/auth/logged-out`. */
  postLogout: path('/auth/logged-out'),
  /** `GET`: the user as JSON, or 401. Default `/auth/me`. */
  me: path('/auth/me'),
  /** `POST`: logout tokens, where `backchannel_logout_uri` is registered. Default `/auth/backchannel-logout`. */
  backchannelLogout: path('/auth/backchannel-logout'),
  /** `GET`: for the provider's frame, where `frontchannel_logout_uri` is registered. Default `/auth/frontchannel-logout`. */
  frontchannelLogout: path('/auth/frontchannel-logout'),
});

/**
 * Routes that the module mounts, below the application's prefix. `true` mounts all of them at their usual paths; `false` in
 * place of a path leaves that one out. Default: none.
 */
export const routesOptionsSchema = v.pipe(
  v.union([v.literal(true), v.looseObject({})], 'must be true, or an object of paths'),
  v.transform((routes) => (routes === true ? {} : routes)),
  pathsSchema,
  v.check((routes) => {
    const paths = Object.values(routes).filter((one) => one !== false);
    return new Set(paths).size === paths.length;
  }, 'must be different paths'),
);

/** `routes`, as an application writes it. */
export type RoutesOptions = true | v.InferInput<typeof pathsSchema>;

/** `routes`, with its defaults. */
export type RoutesSettings = v.InferOutput<typeof pathsSchema>;
