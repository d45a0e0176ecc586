import { randomUUID } from 'node:crypto';

import type { INestApplication } from '@nestjs/common';

import { jws, type SigningKey } from './provider/keys.js';
import { ServedApplication } from './served-application.js';

/** Who tells the application that a user signed out. */
interface LogoutIssuer {
  readonly issuer: string;
  /** Seconds since the epoch. */
  readonly now: number;
  readonly keyFor: (alg: string) => SigningKey;
}

/**
 * The provider's call after a user signed out there (OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.5).
 *
 * @param client the name of the client, where there are several
 * @throws the client has registered no `backchannel_logout_uri`, or the application does not take the call
 */
export async function backchannelLogout(
  app: INestApplication,
  sub: string,
  { issuer, now, keyFor }: LogoutIssuer,
  client: string | undefined,
): Promise<void> {
  const served = await ServedApplication.of(app, client);
  try {
    const { backchannel_logout_uri: uri, client_id, id_token_signed_response_alg: alg = 'RS256' } = served.metadata;
    if (uri === undefined) {
      throw new Error('The client has no backchannel_logout_uri.');
    }
    const key = keyFor(alg);
    const claims = {
      iss: issuer,
      aud: client_id,
      sub,
      iat: now,
      exp: now + 120,
      jti: randomUUID(),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    };
    const logout_token = jws({ alg, kid: key.kid, typ: 'logout+jwt' }, claims, key);
    const { status, body } = await served.send({ url: new URL(uri), form: new URLSearchParams({ logout_token }) });
    if (status >= 300) {
      throw new Error(`The application answered the back-channel logout with ${status}: ${body}`);
    }
  } finally {
    served.close();
  }
}
