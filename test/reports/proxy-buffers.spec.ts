// auth0/nextjs-auth0#772 and #382, bitly/oauth2_proxy#346, ITfoxtec/ITfoxtec.Identity.Saml2#245.
// nginx takes 4 KB of answer headers (proxy_buffer_size) and 8 KB in one request header line, unless told otherwise.
// All tokens are sealed into the cookies, whether the application uses them or not: with the tokens of a plain Keycloak
// realm the answer to the callback has 5 KB of Set-Cookie, and nginx makes it a 502 after the code was used up.
// Right: what nobody asked for is not carried around (or the session lives in the store).
import { expect, it } from '@jest/globals';

import { createApp } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';

/** Nothing in it can be compressed away. */
const opaque = (length: number) =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(length)))
    .toString('base64url')
    .slice(0, length);

it('answers a callback in less than the 4 KB of headers that nginx takes', async () => {
  const app = await createApp({ adapter: 'express', publicUrl: 'https://app.test' });
  const profile = {
    jti: crypto.randomUUID(),
    sid: crypto.randomUUID(),
    azp: 'rp1',
    acr: '1',
    name: 'Alice Liddell',
    preferred_username: 'alice',
    given_name: 'Alice',
    family_name: 'Liddell',
    email: 'alice@example.com',
    email_verified: true,
  };
  app.op.idToken({ claims: ({ at_hash: _, ...claims }) => ({ ...claims, ...profile }) });
  app.op.tokenResponse((tokens) => ({ ...tokens, access_token: opaque(1300), refresh_token: opaque(750) }));
  const callback = await new Browser(app).login();
  expect(callback.status).toBe(303);
  expect(callback.setCookies.reduce((sum, line) => sum + 'set-cookie: \r\n'.length + line.length, 0)).toBeLessThan(
    3600,
  );
});
