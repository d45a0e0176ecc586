import { expect, it } from '@jest/globals';

import { OidcClient, OidcStrategy, type JsonObject, type TokenResponse } from '../../lib/index.js';
import { createApp } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { rejection } from '../support/client/client.js';
import { closeLater } from '../support/closing.js';
import { RealProvider } from '../support/provider/real-provider.js';

it('REFR-03 at another implementation, whose new ID token repeats the nonce of the login', async () => {
  const logins: { claims: JsonObject; tokens: TokenResponse }[] = [];
  class Remembering extends OidcStrategy {
    override validate(claims: JsonObject, tokens: TokenResponse) {
      logins.push({ claims, tokens });
      return { sub: String(claims['sub']) };
    }
  }
  const op = closeLater(await RealProvider.start());
  const app = await createApp({
    adapter: 'express',
    op,
    client: { ...RealProvider.SIGNED, grant_types: ['authorization_code', 'refresh_token'] },
    options: { login: { scope: 'openid offline_access', parameters: { prompt: 'consent' } } },
    extras: { providers: [{ provide: OidcStrategy, useClass: Remembering }] },
  });
  await op.login(new Browser(app));
  const [login] = logins;
  const oidc = app.nest.get(OidcClient);
  const renewed = await oidc.refresh(login?.tokens.refresh_token ?? '');
  const payload = Buffer.from(renewed.id_token?.split('.')[1] ?? '', 'base64url').toString();
  expect(JSON.parse(payload).nonce).toBe(login?.claims['nonce']);

  const again = await oidc.refresh(renewed.refresh_token ?? '', { claims: login?.claims ?? {} });
  expect(again.access_token).not.toBe(renewed.access_token);
  const another = { ...login?.claims, nonce: 'x' };
  const refused = oidc.refresh(again.refresh_token ?? '', { claims: another });
  expect(await rejection(refused)).toMatchObject({ code: 'NONCE_MISMATCH' });
});
