import { signingKey } from '../jose/own-keys.js';
import type { ParsedClientMetadata } from './client-metadata.schema.js';
import { invalid, type Finding } from './finding.js';
import type { Registration } from './registration-findings.js';
import type { ServerMetadata } from './server-metadata.js';

/**
 * How the end of a backchannel authentication is learned (CIBA Core 1.0, section 5): `poll` asks, `ping` is told to ask, and
 * `push` gets the tokens.
 */
export const DELIVERY_MODES = ['poll', 'ping', 'push'] as const;

export type DeliveryMode = (typeof DELIVERY_MODES)[number];

const REGISTRATION = 'CIBA Core 1.0, section 4';

/** What is wrong with a registration for backchannel authentication. */
export function backchannelFindings({ metadata, keys }: Registration): readonly Finding[] {
  const { backchannel_token_delivery_mode: mode, backchannel_authentication_request_signing_alg: alg } = metadata;
  const findings: Finding[] = [];
  if ((mode === 'ping' || mode === 'push') && metadata.backchannel_client_notification_endpoint === undefined) {
    const problem = `is required by backchannel_token_delivery_mode ${mode}`;
    findings.push(invalid({ member: 'client.backchannel_client_notification_endpoint', problem }, REGISTRATION));
  }
  if (alg !== undefined && signingKey(keys, alg) === undefined) {
    const problem = `holds no private key for backchannel_authentication_request_signing_alg ${alg}`;
    findings.push(invalid({ member: 'client.jwks', problem }, REGISTRATION));
  }
  if (mode === 'push' && metadata.dpop_bound_access_tokens === true) {
    const problem = 'must not be push where dpop_bound_access_tokens is registered: a push answers no proof';
    findings.push(invalid({ member: 'client.backchannel_token_delivery_mode', problem }, 'RFC 9449, section 5'));
  }
  if (mode === 'push' && metadata.id_token_signed_response_alg === 'none') {
    const problem = 'must not be none for pushes: the signed ID token is what binds them to their request';
    findings.push(invalid({ member: 'client.id_token_signed_response_alg', problem }, 'CIBA Core 1.0, section 10.3.1'));
  }
  return findings;
}

/** What a server does not take of a registration for backchannel authentication. What it does not list, it may take. */
export function backchannelServerFindings(client: ParsedClientMetadata, server: ServerMetadata): readonly Finding[] {
  const { backchannel_token_delivery_mode: mode, backchannel_authentication_request_signing_alg: alg } = client;
  const { backchannel_token_delivery_modes_supported: modes } = server;
  const { backchannel_authentication_request_signing_alg_values_supported: algs } = server;
  const findings: Finding[] = [];
  if (mode !== undefined && modes?.includes(mode) === false) {
    const problem = 'is not among the modes of the server';
    findings.push(invalid({ member: 'client.backchannel_token_delivery_mode', problem }, REGISTRATION));
  }
  if (alg !== undefined && algs?.includes(alg) === false) {
    const problem = 'is not among the algorithms of the server';
    findings.push(invalid({ member: 'client.backchannel_authentication_request_signing_alg', problem }, REGISTRATION));
  }
  return findings;
}
