import { hash } from 'node:crypto';

import { OidcError } from '../errors/oidc.error.js';
import { audits, type AuditEvent } from './channels.js';

/** Our client, and the provider where it is registered. */
export interface AuditedClient {
  readonly issuer: string;
  readonly metadata: { readonly client_id: string };
}

/** Whom an event is about, as a session, an ID token, a logout token or an access token names them. */
export interface Actor {
  readonly sub?: string | undefined;
  readonly client_id?: string | undefined;
  readonly sid?: string | undefined;
}

/** Publishes an audit event that is about a success. */
export function audit(event: AuditEvent['event'], client: AuditedClient, actor?: Actor): void {
  if (audits.hasSubscribers) {
    audits.publish({ event, outcome: 'success', ...partiesOf(client, actor) });
  }
}

/** Publishes an audit event that is about a failure or a refusal. */
export function auditFailure(event: AuditEvent['event'], client: AuditedClient, error: unknown, actor?: Actor): void {
  if (audits.hasSubscribers) {
    const reason = error instanceof OidcError ? error.code : undefined;
    audits.publish({ event, outcome: 'failure', reason, ...partiesOf(client, actor) });
  }
}

function partiesOf(
  { issuer, metadata }: AuditedClient,
  { sub, client_id, sid }: Actor = {},
): Pick<AuditEvent, 'issuer' | 'client_id' | 'actor'> {
  const sid_hash = sid === undefined ? undefined : hash('sha256', sid, 'base64url');
  return { issuer, client_id: metadata.client_id, actor: { sub, client_id, sid_hash } };
}
