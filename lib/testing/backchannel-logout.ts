import { randomUUID } from 'node:crypto';

import type { INestApplication } from '@nestjs/common';

import { printable } from '../errors/log-line.js';
import { jws, type SigningKey } from './provider/keys.js';
import { ServedApplication } from './served-application.js';

/** Who tells the application that a user signed out. */
interface LogoutIssuer {
  readonly issuer: string;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly keyFor: (alg: string) => SigningKey;
}

/** Who signed out. */
interface SignedOut {
  readonly sub: string;
  /** The sessions at the provider. */
  readonly sids: readonly string[];
}

/**
 * The provider's calls after a user signed out there (OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.5): one, or one
 * for each session where the client has registered `backchannel_logout_session_required`.
 *
 * @param client the name of the client, where there are several
 * @throws the client has registered no `backchannel_logout_uri`, or the application does not take a call
 */
export async function backchannelLogout(
  app: INestApplication,
  { sub, sids }: SignedOut,
  by: LogoutIssuer,
  client: string | undefined,
): Promise<void> {
  const served = await ServedApplication.of(app, by.issuer, client);
  const { backchannel_logout_uri: uri, backchannel_logout_session_required: isSessionRequired } = served.metadata;
  try {
    if (uri === undefined) {
      throw new Error('The client has no backchannel_logout_uri.');
    }
    if (sids.length === 0) {
      throw new Error(`${sub} has no session at the provider.`);
    }
    for (const session of isSessionRequired === true ? sids.map((sid) => ({ sub, sid })) : [{ sub }]) {
      const form = new URLSearchParams({ logout_token: logoutToken(session, by, served.metadata) });
      const { status, body } = await served.send({ url: new URL(uri), form });
      if (status >= 300) {
        throw new Error(`The application answered the back-channel logout with ${status}: ${printable(body)}`);
      }
    }
  } finally {
    served.close();
  }
}

function logoutToken(
  session: object,
  { issuer, now, keyFor }: LogoutIssuer,
  { client_id, id_token_signed_response_alg: alg = 'RS256' }: ServedApplication['metadata'],
): string {
  const key = keyFor(alg);
  const claims = {
    iss: issuer,
    aud: client_id,
    ...session,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  };
  return jws({ alg, kid: key.kid, typ: 'logout+jwt' }, claims, key);
}
