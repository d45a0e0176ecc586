// keycloak/keycloak-nodejs-connect#506, nextcloud/user_oidc#566, panva/openid-client#842.
// An outage is told without whom and why; a refused login with its code alone, though the error has a sentence of ours:
// the two issuers that differ by a slash, or the member that the token response lacks.
// Right: one line from which an operator knows what to mend.
import { expect, it } from '@jest/globals';

import { createApp, type TestApp } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';

const told = (app: TestApp) =>
  app.logs.filter(({ level }) => ['warn', 'error'].includes(level)).map(({ text }) => text);

it('names the host that can not be reached, and the reason', async () => {
  const app = await createApp({ adapter: 'express', options: { issuer: 'https://no-such-host.invalid' } });
  await app.call('/orders', 'a-token');
  expect(told(app)).toContainEqual(expect.stringMatching(/no-such-host\.invalid/));
  expect(told(app)).toContainEqual(expect.stringMatching(/ENOTFOUND|EAI_AGAIN/));
});

it('names both issuers when a login finds another one', async () => {
  const app = await createApp({ adapter: 'express' });
  app.op.discovery((document) => ({ ...document, issuer: `${app.op.issuer}/` }));
  await app.get('/auth/login');
  expect(told(app)).toContainEqual(expect.stringContaining(`"${app.op.issuer}/"`));
});

it('names the member of the token response that is wrong', async () => {
  const app = await createApp({ adapter: 'express' });
  app.op.tokenResponse((tokens) => ({ ...tokens, token_type: 'N_A' }));
  await new Browser(app).login();
  expect(told(app)).toContainEqual(expect.stringContaining('token_type'));
});
