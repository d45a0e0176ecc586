import { frozen } from '../values/frozen.js';
import { ID_TOKEN_CLAIMS, type AccessTokenProfile } from './access-token-profile.js';

/**
 * The profiles that come with the library, by name. Each comment cites the provider's own page.
 *
 * A row is changed by spreading it:
 * `{ ...ACCESS_TOKEN_PROFILES.keycloak, roles: 'resource_access.orders.roles' }`.
 */
export const ACCESS_TOKEN_PROFILES = frozen({
  /** RFC 9068, sections 2.2 and 2.2.3.1. */
  rfc9068: {
    typ: ['at+jwt'],
    clientId: 'client_id',
    scopes: 'scope',
    roles: ['roles', 'groups', 'entitlements'],
    require: { aud: true, sub: true, client_id: true, iat: true, jti: true },
    // The header says what it is.
    refuse: [],
  },
  /**
   * Microsoft Entra ID, tokens of version 1 and 2. `azp` and `appid` are in no ID token; `roles` may be.
   * https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
   */
  entra: {
    typ: ['JWT'],
    clientId: ['azp', 'appid'],
    scopes: 'scp',
    roles: 'roles',
    require: { ver: ['1.0', '2.0'] },
  },
  /** https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles */
  auth0: {
    typ: ['JWT'],
    clientId: 'azp',
    scopes: 'scope',
    roles: 'permissions',
    refuse: [...ID_TOKEN_CLAIMS, 'sid'],
  },
  /** Tokens of a custom authorization server. https://developer.okta.com/docs/reference/api/oidc/ */
  okta: { typ: [''], clientId: 'cid', scopes: 'scp', roles: 'groups', require: { ver: 1 } },
  /** https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html */
  cognito: {
    typ: [''],
    clientId: 'client_id',
    scopes: 'scope',
    roles: 'cognito:groups',
    audience: 'client_id',
    require: { token_use: 'access' },
  },
  /**
   * The payload has a `typ` too. Access tokens repeated the `nonce` before version 25.
   * https://www.keycloak.org/docs/latest/server_admin/#audience-support, https://www.keycloak.org/docs/latest/upgrading/
   */
  keycloak: {
    typ: ['JWT', 'at+jwt'],
    clientId: 'azp',
    scopes: 'scope',
    roles: ['realm_access.roles', 'resource_access.*.roles'],
    require: { typ: ['Bearer', 'DPoP'] },
    refuse: ['at_hash', 'c_hash', 's_hash'],
  },
  /**
   * ID tokens have the same audience and no `jti`. https://zitadel.com/docs/apis/openidoauth/claims,
   * https://zitadel.com/docs/guides/integrate/retrieve-user-roles
   */
  zitadel: {
    typ: ['JWT'],
    clientId: 'client_id',
    scopes: 'scope',
    roles: 'urn:zitadel:iam:org:project:roles',
    require: { jti: true },
    refuse: [...ID_TOKEN_CLAIMS, 'auth_time', 'amr'],
  },
  /**
   * An access token has all claims of the ID token, `nonce` included, and two more: `azp` and `uid`.
   * https://docs.goauthentik.io/add-secure-apps/providers/oauth2/
   */
  authentik: {
    typ: ['JWT'],
    clientId: 'azp',
    scopes: 'scope',
    roles: ['groups', 'roles', 'entitlements'],
    require: { uid: true },
    refuse: ['at_hash', 'c_hash', 's_hash'],
  },
  /**
   * AD FS. ID tokens name the issuer, access tokens `access_token_issuer`; ID tokens have a `unique_name`.
   * https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-oidce/586de7dd-3385-47c7-93a2-935d9e90441c
   */
  adfs: {
    typ: ['JWT'],
    clientId: 'appid',
    scopes: 'scp',
    roles: ['roles', 'role'],
    refuse: [...ID_TOKEN_CLAIMS, 'unique_name', 'pwd_exp', 'pwd_url'],
  },
  /**
   * Tokens of users. The audience is the client, in the ID token too, which has no `applicationId` since version 1.24 unless
   * a lambda adds it. https://fusionauth.io/docs/lifecycle/authenticate-users/oauth/tokens
   */
  fusionauth: {
    typ: ['JWT'],
    clientId: 'applicationId',
    scopes: 'scope',
    roles: ['roles', 'permissions'],
    require: { tid: true, jti: true },
  },
  /** https://developer.pingidentity.com/pingone-api/foundations/authentication-concepts/access-tokens-and-id-tokens/token-claims.html */
  pingone: {
    typ: ['at+jwt', 'JWT', ''],
    clientId: 'client_id',
    scopes: 'scope',
    roles: ['roles', 'permissions'],
    require: { jti: true },
  },
  /** Ory Hydra. Claims of one's own stand below `ext`. https://www.ory.sh/docs/oauth2-oidc/jwt-access-token */
  hydra: {
    typ: ['JWT'],
    clientId: 'client_id',
    scopes: ['scp', 'scope'],
    roles: ['roles', 'ext.roles'],
    require: { jti: true },
    refuse: [...ID_TOKEN_CLAIMS, 'rat'],
  },
  /**
   * Spring Authorization Server: `aud` is the client, and `azp` is in ID tokens only.
   * https://docs.spring.io/spring-authorization-server/reference/core-model-components.html
   */
  spring: {
    typ: ['', 'JWT'],
    clientId: ['client_id', 'aud'],
    scopes: 'scope',
    roles: ['roles', 'authorities'],
    require: { nbf: true, jti: true },
    refuse: [...ID_TOKEN_CLAIMS, 'azp', 'sid', 'auth_time'],
  },
  /** ID tokens: Google's access tokens are for Google. https://developers.google.com/identity/openid-connect/reference */
  google: { typ: ['JWT'], clientId: 'azp', require: { sub: true }, refuse: [] },
  /** ID tokens. https://firebase.google.com/docs/auth/admin/verify-id-tokens */
  firebase: {
    typ: ['JWT'],
    roles: ['roles', 'role'],
    require: { sub: true, auth_time: true, firebase: true },
    refuse: [],
  },
  /** Access tokens of a session. https://supabase.com/docs/guides/auth/jwt-fields */
  supabase: {
    typ: ['JWT'],
    roles: ['role', 'app_metadata.roles'],
    require: { role: true, session_id: true },
  },
  /** Session tokens. `azp` is the origin of the application. https://clerk.com/docs/guides/sessions/session-tokens */
  clerk: {
    typ: ['JWT'],
    roles: ['o.rol', 'org_role'],
    audience: 'azp',
    require: { sid: true, sub: true },
    refuse: [...ID_TOKEN_CLAIMS, 'auth_time'],
  },
  /** Access tokens of a session; `aud` comes from a JWT template. https://workos.com/docs/reference/authkit/session-tokens */
  workos: {
    typ: ['JWT', ''],
    roles: ['role', 'roles', 'permissions'],
    require: { sid: true, sub: true },
    refuse: [...ID_TOKEN_CLAIMS, 'auth_time'],
  },
  /** For a server that is not here, if its access tokens name a client and have no claim of an ID token. */
  generic: {
    typ: ['JWT', 'at+jwt', ''],
    clientId: ['client_id', 'azp', 'cid', 'appid'],
    scopes: ['scope', 'scp'],
    roles: ['roles', 'groups'],
  },
} as const satisfies Readonly<Record<string, AccessTokenProfile>>);

/** The name of a profile that comes with the library. */
export type AccessTokenProfileName = keyof typeof ACCESS_TOKEN_PROFILES;
