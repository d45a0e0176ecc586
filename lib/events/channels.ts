import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';

import type { OidcErrorCode } from '../errors/codes.js';
import type { OperatorEvent } from './operator-events.js';

/** What a guard decided about a call. Routes that `@Public()` opens need no decision. */
export interface GuardDecision {
  /** The class of the guard, such as `OidcGuard`. */
  readonly guard: string;
  /** How the call came: `http`, `graphql`, `ws` or `rpc`. */
  readonly call: string;
  /** The class and the handler, such as `OrdersController.list`. */
  readonly route: string;
  /** Our client whose guard it is. */
  readonly client_id: string;
  /**
   * `admitted`: with a caller. `anonymous`: without one, under `@OptionalAuth()`. `refused`: by a 4xx. `redirected`: a browser
   * was sent to the login. `failed`: nothing could be decided, which is a 5xx.
   */
  readonly outcome: 'admitted' | 'anonymous' | 'refused' | 'redirected' | 'failed';
  /** Why; left out where a caller passed, and for an error of the application. */
  readonly code?: OidcErrorCode | undefined;
}

/** The endpoints whose host a stranger names: a user who enters an identifier, or whoever writes the claims of a token. */
export const STRANGERS_ENDPOINTS: readonly string[] = ['webfinger', 'claims_endpoint'];

/** A call to a server. Start and end have the same object. */
export interface UpstreamCall {
  readonly method: string;
  /**
   * The member of the server's metadata that names the endpoint, such as `introspection_endpoint` or `jwks_uri`; or `discovery`,
   * `webfinger`, `claims_endpoint`, `registration_client_uri`. `protected_resource` is an API that is called with an access
   * token.
   */
  readonly endpoint: string;
  /** Without user information, query and fragment. */
  readonly url: string;
  /** The host that is called. Behind `backchannelUrl` it is that one's. */
  readonly address: string;
  readonly port: number;
  /**
   * Only of a call to an API: headers that a subscriber of the start adds to the request, such as `traceparent`. It is what
   * OpenTelemetry calls the carrier of a propagator.
   */
  readonly carrier?: Record<string, string> | undefined;
  /** Set at the end. */
  readonly end?: UpstreamCallEnd;
}

/** How a call to a server ended. */
export interface UpstreamCallEnd {
  /** Undefined: no answer came. */
  readonly status: number | undefined;
  /**
   * Undefined: it was answered, or the caller gave the call up. A status of 4xx other than 429 is an answer; of an API every
   * status is one.
   */
  readonly code: OidcErrorCode | undefined;
  /** Seconds, both tries included. Of an API it ends where the head of the answer is there: the body is the caller's to read. */
  readonly duration: number;
  /** How often it was sent again: 0 or 1. */
  readonly retries: number;
}

/** A look into a cache of tokens. Without `resourceServer.cache` there is none. */
export interface CacheLookup {
  /** Of introspections, or of verified signatures. */
  readonly cache: 'introspection' | 'signature';
  /** The issuer that is asked about the token. */
  readonly issuer: string;
  /** `stale` follows the `miss` of the same request: the server failed, and `staleIfError` lets the old entry pass. */
  readonly result: 'hit' | 'miss' | 'stale';
}

/** A caller that shares the call of another one: single flight. */
export interface SharedFlight {
  readonly flight: 'introspection' | 'signature' | 'refresh' | 'client-token';
  /** Whose call it shares: of this process, or of another replica. */
  readonly among: 'process' | 'replicas';
}

/** A circuit breaker's new state. */
export interface BreakerChange {
  /** The origin that is called. */
  readonly server: string;
  /** `half-open`: one call goes ahead as a probe. */
  readonly state: 'closed' | 'open' | 'half-open';
  readonly before: 'closed' | 'open' | 'half-open';
  /** The failure that opened it. */
  readonly code?: OidcErrorCode | undefined;
}

/** Who did it, as far as it is known. Only what was verified counts. */
export interface AuditActor {
  readonly sub?: string | undefined;
  /** The client that an access token was issued to. */
  readonly client_id?: string | undefined;
  /** SHA-256 of the provider's `sid`, in base64url: with the `sid` itself anybody can end the session by the front channel. */
  readonly sid_hash?: string | undefined;
}

/** What happened to a login, a session or a token, for an audit. */
export interface AuditEvent {
  /**
   * `login`, `refresh` (of a session's tokens), `logout` (here), `back-channel-logout`, `front-channel-logout`, `refusal` (of a
   * call, by a guard), `eviction` (of a token from the caches).
   */
  readonly event:
    'login' | 'logout' | 'refusal' | 'refresh' | 'back-channel-logout' | 'front-channel-logout' | 'eviction';
  readonly outcome: 'success' | 'failure';
  /** Why it failed or was refused; left out after a success, and for an error of the application. */
  readonly reason?: OidcErrorCode | undefined;
  /** The provider. */
  readonly issuer: string;
  /** Our client there. */
  readonly client_id: string;
  readonly actor: AuditActor;
}

/**
 * The messages of the package's channels (`node:diagnostics_channel`), by name. None of them holds a token, a code or a secret.
 *
 * ```ts
 * import { subscribe } from 'node:diagnostics_channel';
 * import type { OidcMessages } from 'nestjs-oidc';
 *
 * subscribe('nestjs-oidc:audit', (message) => {
 *   const { event, outcome, reason, actor } = message as OidcMessages['nestjs-oidc:audit'];
 *   process.stdout.write(JSON.stringify({ event, outcome, reason, ...actor }) + '\n');
 * });
 * ```
 */
export interface OidcMessages {
  'nestjs-oidc:decision': GuardDecision;
  'nestjs-oidc:upstream:start': UpstreamCall;
  'nestjs-oidc:upstream:end': UpstreamCall & { readonly end: UpstreamCallEnd };
  'nestjs-oidc:cache': CacheLookup;
  'nestjs-oidc:flight': SharedFlight;
  'nestjs-oidc:breaker': BreakerChange;
  'nestjs-oidc:audit': AuditEvent;
  'nestjs-oidc:operator': OperatorEvent;
}

/** A channel. Ask whether it has subscribers before a message is made: without one it must cost nothing. */
interface MessageChannel<Message> {
  readonly hasSubscribers: boolean;
  publish(message: Message): void;
}

function channelOf<Name extends keyof OidcMessages>(name: Name): MessageChannel<OidcMessages[Name]> {
  return channel(name);
}

export const decisions = channelOf('nestjs-oidc:decision');
export const upstreamStarts = channelOf('nestjs-oidc:upstream:start');
export const upstreamEnds = channelOf('nestjs-oidc:upstream:end');
export const cacheLookups = channelOf('nestjs-oidc:cache');
export const sharedFlights = channelOf('nestjs-oidc:flight');
export const breakerChanges = channelOf('nestjs-oidc:breaker');
export const audits = channelOf('nestjs-oidc:audit');
export const operatorEvents = channelOf('nestjs-oidc:operator');

/** Subscribes to a channel. @returns ends it */
export function subscribed<Name extends keyof OidcMessages>(
  name: Name,
  listener: (message: OidcMessages[Name]) => void,
): () => void;
export function subscribed(name: string, listener: (message: unknown) => void): () => void {
  subscribe(name, listener);
  return () => void unsubscribe(name, listener);
}
