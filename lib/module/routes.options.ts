import * as v from 'valibot';

import { proxiesSchema } from '../session/bff/proxy.options.js';
import { PLAIN_PATH } from '../values/url.js';

const NOT_PLAIN = 'must be a plain path such as /auth/login, or false';

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
  /**
   * `GET`: a page for a hidden frame of the application, which tells it of a logout at the provider; where that publishes
   * `check_session_iframe`. Default `/auth/check-session`.
   */
  checkSession: path('/auth/check-session'),
  /** `POST`: pings and pushes (CIBA), where `backchannel_client_notification_endpoint` is registered. Default `/auth/backchannel-notification`. */
  backchannelNotification: path('/auth/backchannel-notification'),
  /** `GET`: the public keys of `client.jwks`, where it is set; for `jwks_uri`. Default `/auth/jwks`. */
  jwks: path('/auth/jwks'),
  /** `GET` and `POST`: begins the login that another site asks for, where `initiate_login_uri` is registered. Default `/auth/initiate`. */
  initiate: path('/auth/initiate'),
  /**
   * Forwards requests of the browser to APIs, with the access token of its session: `[{ path: '/api', to: 'https://api.example.com' }]`.
   * They need the header `X-CSRF: 1`. Default: none.
   */
  proxy: v.optional(proxiesSchema),
});

/**
 * Routes that the module mounts, below the application's prefix. `true` mounts all of them at their usual paths; `false` in
 * place of a path leaves that one out. Default: none.
 */
export const routesOptionsSchema = v.pipe(
  v.union([v.literal(true), v.looseObject({})], 'must be true, or an object of paths'),
  v.transform((routes) => (routes === true ? {} : routes)),
  pathsSchema,
  v.check(({ proxy = [], ...routes }) => {
    const paths = [...Object.values(routes), ...proxy.map(({ path: below }) => below)].filter((one) => one !== false);
    return new Set(paths).size === paths.length;
  }, 'must be different paths'),
);

/** `routes`, as an application writes it. */
export type RoutesOptions = true | v.InferInput<typeof pathsSchema>;

/** `routes`, with its defaults. */
export type RoutesSettings = v.InferOutput<typeof pathsSchema>;

/** The routes that stand at one path. */
export type RouteName = Exclude<keyof RoutesSettings, 'proxy'>;
