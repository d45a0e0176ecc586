// What providers in use answer, and what other libraries came to take:
// GluuFederation/oxAuth#1499, spring-projects/spring-security#7563, simpleidserver/SimpleIdServer#957 (scope as a list,
// members that are null), ory/oathkeeper#553 (token_type), panva/oauth4webapi#71 (expires_in as a string),
// elizaOS/eliza#30566 (refresh_token null), DuendeArchive/IdentityServer4#5396 (at+jwt with scope as a list).
// It was 503 for each call, 502 for each login, 401 for each JWT.
// Right: a null member is one that is not there; a list of scopes is scopes; seconds in digits are seconds. None of it
// makes a token good that is not.
import { expect, it } from '@jest/globals';

import { createApp } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import type { Members } from '../support/provider/hostile-provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

it.each<[string, (members: Members) => Members]>([
  ['null for what it does not know', (members) => ({ ...members, username: null, jti: null, acr: null })],
  ['scope as a list', (members) => ({ ...members, scope: ['openid', 'orders:read'] })],
  ['exp in digits', (members) => ({ ...members, exp: String(members['exp']) })],
  ['a token_type of its own', (members) => ({ ...members, token_type: 'urn:pingidentity.com:oauth2:validated_token' })],
])('takes an introspection with %s', async (_what, body) => {
  const app = await createApp({ adapter: 'express' });
  app.op.introspectionResponse({ body });
  expect((await app.call('/orders', app.op.issue())).status).toBe(200);
});

it.each<[string, (members: Members) => Members]>([
  ['expires_in in digits', (members) => ({ ...members, expires_in: '3599' })],
  ['no refresh token, as null', (members) => ({ ...members, refresh_token: null })],
  ['scope as a list', (members) => ({ ...members, scope: ['openid'] })],
])('takes a token response with %s', async (_what, change) => {
  const app = await createApp({ adapter: 'express' });
  app.op.tokenResponse(change);
  expect((await new Browser(app).login()).status).toBe(303);
});

it('takes a JWT access token with scope as a list', async () => {
  const app = await createApp({
    adapter: 'express',
    options: { resourceServer: { audience: 'https://api.test', validation: 'jwt' } },
  });
  const token = jwtAccessToken(app.op, { claims: { scope: ['openid', 'orders:read'] } });
  expect((await app.call('/orders', token)).status).toBe(200);
});
