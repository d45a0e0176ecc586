export { OidcAnyGuard } from './module/oidc-any.guard.js';
export { OidcModule } from './module/oidc.module.js';
export type {
  OidcModuleAsyncOptions,
  OidcModuleExtras,
  OidcModuleOptions,
  OidcOptionsFactory,
} from './module/oidc.options.js';

export {
  ClientRegistration,
  registerClient,
  type RegistrationAccess,
  type RegistrationOptions,
  type RegistrationResult,
} from './authorization-server/client-registration.js';
export type { AuthorizationUrlOptions } from './authorization/authorization-parameters.js';
export type { AuthorizationParameters, ClaimRequest, ClaimsRequest } from './authorization/own-parameters.js';
export type { AuthorizationRequest } from './authorization/authorization-request.js';
export type { AuthorizationTransaction } from './authorization/transaction.js';
export type { EndSessionOptions } from './authorization/end-session.js';
export type { FormParameters } from './authorization-server/form-encoding.js';
export type { AuthorizationDetail, RequestedAccess } from './authorization-server/requested-access.js';
export type { BackchannelAuthentication } from './grants/backchannel-authentication.js';
export type { BackchannelNotification } from './grants/backchannel-notifications.js';
export type { BackchannelAuthenticationOptions } from './grants/backchannel-request.js';
export type { ClientCredentialsOptions } from './grants/client-credentials.js';
export type { ConsentOptions } from './grants/consent.js';
export type { DeviceAuthorization, DeviceAuthorizationOptions } from './grants/device-authorization.js';
export type { GrantOptions } from './grants/extension-grant.js';
export type { JwtBearerOptions } from './grants/jwt-bearer.js';
export type { RefreshOptions } from './grants/refresh-token.js';
export type { TokenExchangeOptions } from './grants/token-exchange.js';
export type { VerifiedTokens } from './grants/verified-tokens.js';
export { VerifiedIdToken } from './tokens/id-token.js';
export type { AccessTokenClaims } from './tokens/access-token.js';
export type { IntrospectionOptions } from './tokens/introspection.js';
export {
  OidcClient,
  type AccessTokenOptions,
  type CallbackOptions,
  type CallbackResult,
} from './client/oidc-client.js';
export { ACCESS_TOKEN_PROFILES, type AccessTokenProfileName } from './tokens/access-token-profiles.js';
export type { AccessTokenProfile } from './tokens/access-token-profile.js';
export type { DistributedClaimsOptions } from './tokens/distributed-claims.js';
export type { ClaimsProvider, ForeignClaims, ForeignClaimsOptions } from './tokens/foreign-claims.js';
export type { LoginTokens, NoAccessToken } from './tokens/login-tokens.js';
export type { ApiRequestInit } from './tokens/resource-fetch.js';
export type { ApiRequest } from './tokens/resource-request.js';
export { TokenResponse } from './tokens/token-response.js';
export type { UserinfoOptions } from './tokens/userinfo.js';
export type { DpopKey } from './jose/dpop-key.js';

export type { OidcErrorCode } from './errors/codes.js';
export type { OidcMessages } from './events/channels.js';
export {
  AccessTokenError,
  AuthorizationResponseError,
  ChallengeError,
  ConfigError,
  DiscoveryError,
  OAuthError,
  ResponseError,
  SessionError,
  StoreError,
  TransportError,
  VerificationError,
} from './errors/errors.js';
export { OidcError, type ErrorFacts } from './errors/oidc.error.js';
export { Secret } from './values/secret.js';

export type { CustomFetch } from './http/exchange.js';
export type { HttpOptions } from './http/http.options.js';
export type { JsonObject, JsonValue } from './values/json.js';

export { OidcLoginGuard } from './login/oidc-login.guard.js';
export { OidcStrategy } from './login/oidc.strategy.js';
export type { LoginExtra } from './login/login-extra.js';
export { OidcUser } from './login/oidc-user.js';

export type { ClientAuthenticationMethod } from './metadata/authentication-method.js';
export { clockSkew, clockTolerance, customFetch, type ClientMetadata } from './metadata/client-metadata.js';
export type { IssuerCallOptions } from './metadata/issuer-calls.js';
export type { ServerMetadata } from './metadata/server-metadata.js';
export type { TakesTenant, Tenants } from './metadata/tenants.js';
export { discoverIssuer } from './metadata/webfinger.js';

export type { IntrospectionFreshness, Validation } from './nest/access-rule.js';
export {
  AccessTokenValidation,
  Introspection,
  OptionalAuth,
  Public,
  Roles,
  Scopes,
  StepUp,
} from './nest/decorators.js';
export { DelegatesTo } from './nest/delegates-to.js';
export { OidcException, type OidcExceptionBody } from './nest/oidc.exception.js';
export { AccessToken, CurrentUser, InjectOidcClient, InjectOidcSession } from './nest/parameter-decorators.js';
export {
  getOidcOptionsToken,
  OIDC_CLOCK,
  OIDC_CLOCK_SKEW,
  OIDC_CLOCK_TOLERANCE,
  OIDC_DISPATCHER,
  OIDC_OPTIONS,
} from './nest/tokens.js';

export { OidcGuard } from './resource-server/oidc.guard.js';
export type { PresentedToken, Scheme } from './resource-server/credentials.js';
export type {
  ResolveIssuer,
  ResourceServerOptions,
  TrustedIssuerOptions,
  ValidateAccessToken,
} from './resource-server/resource-server.options.js';

export { OidcSessionGuard } from './session/oidc-session.guard.js';
export { OidcLogout } from './session/logout/provider-logout.js';
export { OidcSession } from './session/oidc-session.js';
export type { SessionContent } from './session/session-content.js';

export { MemoryStore, type MemoryStoreOptions } from './storage/memory-store.js';
export type { OidcStore } from './storage/oidc-store.js';
export { VerifiedAccessToken, type StepUpRequirement } from './tokens/verified-access-token.js';
