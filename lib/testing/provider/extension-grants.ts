import { createLocalJWKSet, jwtVerify } from 'jose';

import { publicKeysOf, type RegisteredClient } from './clients.js';
import type { ProviderContext } from './context.js';
import type { Recorded } from './loopback-server.js';
import type { Members } from './response-hooks.js';

const TYPES = 'urn:ietf:params:oauth:token-type:';
const KNOWN_TYPES = ['access_token', 'refresh_token', 'id_token', 'jwt'].map((name) => TYPES + name);

/** What a grant gives: the subject of the tokens, and members that stand above the usual ones; or an error. */
export type Granted = { readonly sub: string | undefined; readonly members?: Members } | string;

/** RFC 8693, section 2: strict in what it takes. */
export function exchange(op: ProviderContext, request: Recorded): Granted {
  const { subject_token, subject_token_type = '', actor_token, actor_token_type, requested_token_type } = request.form;
  const isTyped =
    KNOWN_TYPES.includes(subject_token_type) && (actor_token === undefined) === (actor_token_type === undefined);
  if (subject_token === undefined || !isTyped) {
    return 'invalid_request';
  }
  const subject = op.issued.activeToken(subject_token);
  const actor = actor_token === undefined ? undefined : op.issued.activeToken(actor_token);
  if (subject === undefined || (actor_token !== undefined && actor === undefined)) {
    return 'invalid_request';
  }
  const issued_token_type = requested_token_type ?? `${TYPES}access_token`;
  if (!KNOWN_TYPES.includes(issued_token_type)) {
    return 'invalid_request';
  }
  const isUsable = issued_token_type === `${TYPES}access_token`;
  return { sub: subject.sub, members: { issued_token_type, ...(!isUsable && { token_type: 'N_A' }) } };
}

/** RFC 7523, sections 2.1 and 3: an assertion that the client signed. */
export async function bearAssertion(
  op: ProviderContext,
  request: Recorded,
  client: RegisteredClient,
): Promise<Granted> {
  try {
    const { payload } = await jwtVerify(request.form['assertion'] ?? '', createLocalJWKSet(publicKeysOf(client)), {
      issuer: client.client_id,
      audience: op.issuer,
      requiredClaims: ['sub', 'exp'],
      currentDate: new Date(op.clock.now()),
    });
    request.notes['assertion'] = payload;
    return { sub: String(payload.sub) };
  } catch {
    return 'invalid_grant';
  }
}
