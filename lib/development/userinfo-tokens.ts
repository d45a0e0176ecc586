import type Provider from 'oidc-provider';
import type { Adapter, AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';

import { textMember } from '../values/member.js';

type AccessToken = InstanceType<Provider['AccessToken']>;

/**
 * Lets access tokens for an API serve at userinfo too, as most providers do. `oidc-provider` takes none there that has an
 * audience, and keeps no JWTs.
 *
 * @param isUserinfo whether the current request is for userinfo
 */
export class UserinfoTokens {
  constructor(
    private readonly stored: Adapter,
    private readonly isUserinfo: () => boolean,
  ) {}

  /** Storage of access tokens. */
  get adapter(): Adapter {
    return {
      ...this.stored,
      find: async (id) => {
        const payload = await this.stored.find(id);
        return payload && this.isUserinfo() ? { ...payload, aud: undefined } : payload;
      },
    };
  }

  /** Keeps a JWT that was issued. */
  readonly keep = async (value: string, token: AccessToken): Promise<void> => {
    if (token.resourceServer?.accessTokenFormat === 'jwt') {
      await this.stored.upsert(value, payloadOf(value, token), token.expiration);
    }
  };

  /** Keeps the JWT of a token response. */
  async keepFrom({ oidc, body }: Pick<KoaContextWithOIDC, 'oidc' | 'body'>): Promise<void> {
    const token = oidc?.entities.AccessToken;
    const value = textMember(body, 'access_token');
    if (token !== undefined && value !== '') {
      await this.keep(value, token);
    }
  }
}

function payloadOf(value: string, token: AccessToken): AdapterPayload {
  const { accountId, clientId, grantId, gty, scope, sid, sessionUid, expiresWithSession, jkt, expiration } = token;
  const iat = Math.floor(Date.now() / 1000);
  const owner = { accountId, clientId, grantId, gty, scope, sid, sessionUid, expiresWithSession, jkt };
  return { ...owner, kind: 'AccessToken', jti: value, iat, exp: iat + expiration };
}
