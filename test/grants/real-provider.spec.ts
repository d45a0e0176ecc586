import { describe, expect, it } from '@jest/globals';

import { OidcClient, type ClientMetadata } from '../../lib/index.js';
import { keyOf, privateJwk } from '../../lib/testing/provider/keys.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { clientOf, rejection } from '../support/client/client.js';
import { closeLater } from '../support/closing.js';
import { RealProvider } from '../support/provider/real-provider.js';

const CIBA = 'urn:openid:params:grant-type:ciba';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

/** A client at another implementation, and what somebody does after so many waits. */
async function setUp(metadata: Partial<ClientMetadata>) {
  const op = closeLater(await RealProvider.start());
  const waits: number[] = [];
  const does = new Map<number, () => Promise<void>>();
  const { oidc } = clientOf(op, {
    metadata: { id_token_signed_response_alg: 'ES256', ...metadata },
    // Its first answer takes long on a busy machine.
    http: { timeout: 30_000 },
    wait: async (milliseconds) => {
      waits.push(milliseconds / 1000);
      await does.get(waits.length)?.();
    },
  });
  return { op, oidc, waits, after: (count: number, what: () => Promise<void>) => void does.set(count, what) };
}

describe('at another implementation', () => {
  it('RFC 8628 a device gets tokens once somebody consented, and refreshes them', async () => {
    const { op, oidc, waits, after } = await setUp({ grant_types: ['authorization_code', 'refresh_token', DEVICE] });
    const device = await oidc.deviceAuthorization({ scope: 'openid offline_access' });
    expect(device.verification_uri).toBe(`${op.issuer}/device`);
    after(2, () => op.approveDevice(device.user_code));
    const { tokens, idToken } = await device.tokens();
    expect([idToken?.sub, waits]).toEqual(['alice', [5, 5]]);
    expect((await oidc.refresh(tokens)).access_token).not.toBe(tokens.access_token);
    const again = oidc.grant(DEVICE, { device_code: device.device_code });
    expect(await rejection(again)).toMatchObject({ name: 'OAuthError', error: 'invalid_grant' });
  });

  it('G1 G5 CIBA: a signed request is polled for until the end-user consented', async () => {
    const jwk = { ...privateJwk(keyOf('P-256', 'rp1')), alg: 'ES256' };
    const { op, oidc, waits, after } = await setUp({
      client_secret: undefined,
      jwks: { keys: [jwk] },
      token_endpoint_auth_method: 'private_key_jwt',
      grant_types: ['authorization_code', CIBA],
      backchannel_token_delivery_mode: 'poll',
      backchannel_authentication_request_signing_alg: 'ES256',
    });
    const request = await oidc.backchannelAuthentication({ login_hint: 'alice', binding_message: 'W4SCT' });
    after(3, () => op.approveBackchannel(request.auth_req_id));
    const { tokens, idToken } = await request.tokens();
    expect([idToken?.sub, tokens.token_type, waits]).toEqual(['alice', 'Bearer', [5, 5, 5]]);
  });

  it('a client asks for its own token once, and the server knows it', async () => {
    const { oidc } = await setUp({ grant_types: ['authorization_code', 'client_credentials'] });
    const tokens = await oidc.clientToken({ scope: 'orders:read', resource: 'https://api.test' });
    expect(await oidc.clientToken({ scope: 'orders:read', resource: 'https://api.test' })).toBe(tokens);
    expect(await oidc.introspect(tokens.access_token)).toMatchObject({ active: true, scope: 'orders:read' });
  });
});

onBothAdapters((adapter) => {
  it('G10 CIBA: the ping of another implementation is taken at the mounted route', async () => {
    const op = closeLater(await RealProvider.start());
    const publicUrl = 'https://app.test';
    const app = await createApp({
      adapter,
      op,
      controllers: [],
      publicUrl,
      client: {
        ...RealProvider.SIGNED,
        grant_types: ['authorization_code', CIBA],
        backchannel_token_delivery_mode: 'ping',
        backchannel_client_notification_endpoint: `${publicUrl}/auth/backchannel-notification`,
      },
      options: { routes: true },
    });
    op.reaches.set(publicUrl, app.address);
    const request = await app.nest.get(OidcClient).backchannelAuthentication({ login_hint: 'alice' });
    const tokens = request.tokens();
    await op.approveBackchannel(request.auth_req_id);
    expect((await tokens).idToken?.sub).toBe('alice');
  });
});
