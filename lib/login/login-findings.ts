import { responseFindings, type ResponseMetadata } from '../authorization/requested-response.js';
import { carries } from '../authorization/response-type.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import { findingsOf, type Check, type Finding } from '../metadata/finding.js';
import { expectedResponse } from './login-response.js';
import type { LoginSettings } from './login.options.js';

/** The metadata that a login depends on. */
export type LoginMetadata = ResponseMetadata &
  Pick<ParsedClientMetadata, 'redirect_uris' | 'default_acr_values' | 'initiate_login_uri'>;

/** The settings that have to fit it. */
type SettingsOfLogin = Pick<LoginSettings, 'responseMode' | 'allow'> &
  Partial<Pick<LoginSettings, 'nonce' | 'userinfo'>>;

/** What keeps the client from logging anybody in with these settings. */
export function loginFindings(client: LoginMetadata, settings: SettingsOfLogin): readonly Finding[] {
  const { redirect_uris = [], default_acr_values, initiate_login_uri } = client;
  const { requested, delivery } = expectedResponse(client, settings);
  const { response_type } = requested;
  const hasNoAccessToken = !carries(response_type, 'code') && !carries(response_type, 'access_token');
  const checks: readonly Check[] = [
    [
      delivery === 'form_post' && redirect_uris.some(isInsecure),
      'login.responseMode',
      'can be form_post only where the redirect URIs are https',
      'RFC 6265bis, section 4.1.2.7',
    ],
    [
      settings.nonce === 'unsupported' && carries(response_type, 'id_token'),
      'login.nonce',
      'can not be unsupported where the ID token comes by the browser',
      'OpenID Connect Core 1.0, section 3.2.2.1',
    ],
    [
      settings.userinfo === true && hasNoAccessToken,
      'login.userinfo',
      'needs an access token, and the response type brings none',
      'OpenID Connect Core 1.0, section 5.3.1',
    ],
    [
      initiate_login_uri !== undefined && redirect_uris.some((uri) => pathOf(uri) === pathOf(initiate_login_uri)),
      'client.initiate_login_uri',
      'must have another path than the redirect URIs, whose requests answer a login',
      'OpenID Connect Core 1.0, section 4',
    ],
    [
      settings.allow.includes('acr_values') && default_acr_values !== undefined,
      'login.allow',
      'must not hold acr_values: a link could ask for less than client.default_acr_values',
      'OpenID Connect Dynamic Client Registration 1.0, section 2',
    ],
  ];
  return [...responseFindings(client, requested), ...findingsOf(checks)];
}

/** Whether a redirect URI is not https. Then the cookies of a login can't be `Secure`. */
export function isInsecure(redirectUri: string): boolean {
  return new URL(redirectUri).protocol === 'http:';
}

function pathOf(uri: string): string {
  return new URL(uri).pathname;
}
