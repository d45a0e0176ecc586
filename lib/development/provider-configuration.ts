import type { AdapterFactory, Configuration, JWK } from 'oidc-provider';

import { OPENID_SCOPES, scopesOf, type DevelopmentClient } from './development-client.js';
import { grantAll, grantedDetails } from './grant.js';
import { IssuedTokens } from './issued-tokens.js';
import type { OidcProvider } from './oidc-provider.js';
import { showSentence, type PageSettings } from './page.js';
import { ALGORITHMS } from './provider-algorithms.js';
import { resourceIndicators } from './resource-indicators.js';
import { showError, showLogout, showUserCode } from './sign-in-pages.js';

const MINUTES = 60;
const HOURS = 60 * MINUTES;

/** Seconds for which an access token is good. */
export const TOKEN_LIFETIME = 1 * HOURS;

type Features = NonNullable<Configuration['features']>;

/** The `acr` of whoever proved nothing (OpenID Connect Core 1.0, section 2). Without one there would be no `acr` at all. */
const NO_ASSURANCE = '0';

/** What a provider is made of. */
export interface ProviderParts {
  readonly oidcProvider: OidcProvider;
  readonly clients: readonly DevelopmentClient[];
  readonly keys: readonly JWK[];
  readonly adapter: AdapterFactory;
  readonly cookieKey: string;
  readonly settings: PageSettings;
}

/** The configuration of `oidc-provider`: what it supports is on, and nobody is asked for more than who they are. */
export function providerConfiguration(parts: ProviderParts): Configuration {
  const { oidcProvider, clients, keys, adapter, settings } = parts;
  const tokens = new IssuedTokens(clients);
  return {
    adapter,
    jwks: { keys },
    cookies: cookies(parts),
    acrValues: [
      ...new Set([NO_ASSURANCE, ...clients.flatMap(({ client }) => client.metadata.default_acr_values ?? [])]),
    ],
    scopes: [...new Set([...OPENID_SCOPES, ...clients.flatMap(scopesOf)])],
    claims: {
      acr: null,
      amr: null,
      auth_time: null,
      iss: null,
      sid: null,
      openid: ['sub', ...new Set(['roles', ...tokens.roleClaims])],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    // ID tokens say who somebody is; userinfo needs not be asked.
    conformIdTokenClaims: false,
    responseTypes: ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token', 'none'],
    enabledJWA: ALGORITHMS,
    interactions: {
      url: (_context, { uid }) => `${settings.base}/interaction/${uid}`,
      policy: interactionPolicy(oidcProvider),
    },
    findAccount: tokens.findAccount,
    loadExistingGrant: grantAll,
    extraTokenClaims: tokens.extraTokenClaims,
    formats: { customizers: { jwt: tokens.jwt } },
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed('refresh_token'),
    // Its own dispatcher calls no loopback address. Only what the application registered is called.
    fetch: (url, { dispatcher: _, ...options } = {}) => fetch(url, options),
    clientBasedCORS: () => false,
    renderError: (context, error) => showError(context, settings, error),
    features: {
      ...featuresWithPages(settings),
      backchannelLogout: { enabled: true },
      claimsParameter: { enabled: true },
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      encryption: { enabled: true },
      introspection: { enabled: true, allowedPolicy: async () => true },
      jwtIntrospection: { enabled: true },
      jwtResponseModes: { enabled: true },
      jwtUserinfo: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      requestObjects: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: async (_context, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: resourceIndicators(oidcProvider, clients),
      richAuthorizationRequests: grantedDetails(clients),
    },
    ttl: {
      AccessToken: TOKEN_LIFETIME,
      AuthorizationCode: 1 * MINUTES,
      ClientCredentials: TOKEN_LIFETIME,
      DeviceCode: 10 * MINUTES,
      Grant: 24 * HOURS,
      IdToken: 1 * HOURS,
      Interaction: 1 * HOURS,
      RefreshToken: 24 * HOURS,
      Session: 24 * HOURS,
    },
  };
}

/** Cookies know no port: another provider at this host has cookies of other names. */
function cookies({ cookieKey, settings }: ProviderParts): NonNullable<Configuration['cookies']> {
  const name = `oidc-development-${settings.issuer.port || '80'}`;
  return {
    keys: [cookieKey],
    names: { session: name, interaction: `${name}-interaction`, resume: `${name}-resume` },
  };
}

/** A client may ask for the choice of an account again. Consent is asked for where a client wants it to be. */
function interactionPolicy({ interactionPolicy: { base, Prompt } }: OidcProvider): ReturnType<typeof base> {
  const policy = base();
  const consent = policy.get('consent');
  consent?.checks.remove('native_client_prompt');
  consent?.checks.remove('rar_prompt');
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0);
  return policy;
}

function featuresWithPages(settings: PageSettings): Pick<Features, 'rpInitiatedLogout' | 'deviceFlow'> {
  return {
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (context, form) => showLogout(context, settings, form),
      postLogoutSuccessSource: (context) => showSentence(context, settings, 'Signed out', 'You are signed out.'),
    },
    deviceFlow: {
      enabled: true,
      charset: 'base-20',
      mask: '****-****',
      deviceInfo: () => ({}),
      userCodeInputSource: (context, form, _out, error) => {
        const sentence = error === undefined ? 'Enter the code that the device shows.' : 'This code is not known.';
        showUserCode(context, settings, form, 'op.deviceInputForm', sentence);
      },
      userCodeConfirmSource: (context, form, _client, _info, code) =>
        showUserCode(context, settings, form, 'op.deviceConfirmForm', `Does the device show ${code}?`),
      successSource: (context) => showSentence(context, settings, 'Connected', 'Go back to the device.'),
    },
  };
}
