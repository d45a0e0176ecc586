import type { OidcError } from '../errors/oidc.error.js';

/** How long a revoked token passes at a route. */
export interface RevocationBound {
  /** Such as `OrdersController.list`. */
  readonly route: string;
  /** Seconds at most; undefined: until its `exp`. */
  readonly seconds: number | undefined;
}

/** What happens that an operator should know and no caller can act on, by kind. None of it holds a secret. */
interface OperatorEvents {
  /** A client is ready to serve. */
  readonly 'client-started': {
    /** Undefined: the default client. */
    readonly name: string | undefined;
    readonly issuer: string;
    readonly client_id: string;
    /** How it authenticates, and which answers are signed with what, as registered. */
    readonly registered: Readonly<Record<string, string>>;
  };
  /** A client asks for a provider for development. */
  readonly 'development-provider': {
    readonly issuer: string;
    /**
     * This process has `started` it, or had it already and has `joined` the client; somebody else listens there and was
     * `found`; or the issuer is `elsewhere`, and nothing starts.
     */
    readonly state: 'started' | 'joined' | 'found' | 'elsewhere';
  };
  /** The application does not start. */
  readonly 'boot-failed': { readonly error: OidcError };
  /** The client metadata has a member that looks like a mistake. */
  readonly 'suspicious-metadata': { readonly problem: string };
  /** Anybody who reaches the introspection endpoint is answered there. */
  readonly 'open-introspection': object;
  /** The key set of a server has a private key. */
  readonly 'private-key-published': object;
  /** The store can lose a used DPoP proof before its time. */
  readonly 'forgetful-store': { readonly weakness: string };
  /** Handlers ask for the freshness of cached introspections, and there is no cache. */
  readonly 'freshness-without-cache': { readonly handlers: readonly string[] };
  /** How long a revoked token passes at each route that an access token opens. Once, at the boot. */
  readonly 'revocation-bounds': { readonly bounds: readonly RevocationBound[] };
  /** A redirect URI is not answered by a login guard, as far as can be known. */
  readonly 'foreign-callback': {
    readonly redirect_uri: string;
    /** The handler that answers it; undefined: something that Nest did not map. */
    readonly route: string | undefined;
  };
  /** Sessions are read, and no route logs in: none answers the response to a login. */
  readonly 'login-missing': { readonly method: string; readonly path: string };
  /** Cookies are sent without TLS, because a redirect URI is http. */
  readonly 'insecure-cookies': {
    /** With their ports. */
    readonly hosts: readonly string[];
  };
  /** Logins do without a nonce: only PKCE binds a code to the browser. */
  readonly 'login-without-nonce': object;
  /** A login began at a host that no redirect URI has, and was sent to one that has. */
  readonly 'login-relocated': {
    /** As the browser, or a proxy, wrote it. */
    readonly seen: string;
    readonly origin: string;
  };
  /** A login comes with a host that no redirect URI has, though the browser was sent to the right one. */
  readonly 'host-rewritten': { readonly seen: string; readonly origin: string };
  /** The session's cookie protects less than it does by default. */
  readonly 'weak-cookies': { readonly weaknesses: readonly string[] };
  /** An application on https keeps its sessions in cookies alone: no logout ends a copy of a cookie. */
  readonly 'irrevocable-sessions': object;
  /** The answer to a login sets more cookies than a proxy may take. */
  readonly 'large-cookies': { readonly bytes: number; readonly cookies: readonly string[] };
  /** A login was refused. */
  readonly 'login-refused': {
    readonly error: OidcError;
    /** The kind of trouble: refusals of one kind are alike. */
    readonly trouble: string;
    /** Whether an operator has to mend it, not the person who signs in. */
    readonly isOurFault: boolean;
  };
  /** A login was granted less than it asked for. */
  readonly 'granted-less': {
    /** Such as `scope orders:write` or `authorization_details payment_initiation`. */
    readonly missing: readonly string[];
  };
  /** The tokens of a session could not be refreshed. */
  readonly 'refresh-failed': { readonly error: OidcError };
  /** The server rotates refresh tokens, and replicas would share no refresh. */
  readonly 'rotation-without-store': object;
  /** A logout that the provider started was refused, or is not complete. */
  readonly 'logout-refused': { readonly error: OidcError };
  /** A call to the API was refused. */
  readonly 'call-refused': {
    readonly error: OidcError;
    /** The class of the guard. */
    readonly guard: string;
    /** How the call came, such as `http` or `graphql`. */
    readonly call: string;
  };
  /** A new token of the client itself could not be had, and the old one is still good. */
  readonly 'client-token-failed': { readonly error: OidcError };
  /** Replicas ask for tokens of the client each for themselves: their store can't be reached. */
  readonly 'client-tokens-not-shared': { readonly error: OidcError };
  /** The shared token cache can't be reached. */
  readonly 'shared-cache-failed': {
    /** Undefined: the store threw an error of its own. */
    readonly error: OidcError | undefined;
  };
  /** The shared token cache has entries that none of our replicas wrote. */
  readonly 'shared-cache-forged': object;
}

export type EventKind = keyof OperatorEvents;

/** An event for the operator. */
export type OperatorEvent<Kind extends EventKind = EventKind> = {
  [K in Kind]: { readonly kind: K } & OperatorEvents[K];
}[Kind];

/**
 * The port for what an operator sees. Whoever reports says what happened; the listener decides how it is told, such as by a
 * line of the log or a message on a channel.
 */
export interface OperatorPort {
  report(event: OperatorEvent): void;
}
