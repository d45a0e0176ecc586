import { invalid, type Finding } from '../metadata/finding.js';
import type { ParsedClientMetadata } from '../metadata/client-metadata.schema.js';
import type { LoginSettings } from './login.options.js';

/** The metadata that a login depends on. */
export type LoginMetadata = Pick<
  ParsedClientMetadata,
  'redirect_uris' | 'response_types' | 'grant_types' | 'default_acr_values' | 'initiate_login_uri'
>;

const REGISTRATION = 'OpenID Connect Dynamic Client Registration 1.0, section 2';

/** What keeps the client from logging anybody in with these settings. */
export function loginFindings(
  { redirect_uris = [], response_types, grant_types, default_acr_values, initiate_login_uri }: LoginMetadata,
  { responseMode, allow }: Pick<LoginSettings, 'responseMode' | 'allow'>,
): readonly Finding[] {
  const problem = 'can be form_post only where the redirect URIs are https';
  const weaker = 'must not hold acr_values: a link could ask for less than client.default_acr_values';
  const shared = 'must have another path than the redirect URIs, whose requests answer a login';
  return [
    ...missing('client.response_types', response_types, 'code'),
    ...missing('client.grant_types', grant_types, 'authorization_code'),
    ...(responseMode === 'form_post' && redirect_uris.some(isInsecure)
      ? [invalid({ member: 'login.responseMode', problem }, 'RFC 6265bis, section 4.1.2.7')]
      : []),
    ...(initiate_login_uri !== undefined && redirect_uris.some((uri) => pathOf(uri) === pathOf(initiate_login_uri))
      ? [invalid({ member: 'client.initiate_login_uri', problem: shared }, 'OpenID Connect Core 1.0, section 4')]
      : []),
    ...(allow.includes('acr_values') && default_acr_values !== undefined
      ? [invalid({ member: 'login.allow', problem: weaker }, REGISTRATION)]
      : []),
  ];
}

/** Whether a redirect URI is not https. Then the cookies of a login can't be `Secure`. */
export function isInsecure(redirectUri: string): boolean {
  return new URL(redirectUri).protocol === 'http:';
}

/** What is not registered has its default: that of the code flow. */
function missing(member: string, registered: readonly string[] | undefined, value: string): readonly Finding[] {
  const problem = `must contain ${value}, by which this library logs in`;
  return registered?.includes(value) === false ? [invalid({ member, problem }, REGISTRATION)] : [];
}

function pathOf(uri: string): string {
  return new URL(uri).pathname;
}
