import { expect, it } from '@jest/globals';

import { createApp, onBothAdapters } from '../support/app/apps.js';
import { expectCallbackRefused } from '../support/app/outcomes.js';
import { Browser } from '../support/browser/browser.js';

onBothAdapters((adapter) => {
  it('RFC 8707 RFC 9396 Core 5.5: all logins ask for what login.parameters says', async () => {
    const parameters = {
      resource: ['https://a.test', 'https://b.test'],
      authorization_details: [{ type: 'account_information', actions: ['read'] }],
      claims: { id_token: { acr: { essential: true, values: ['gold'] } } },
    };
    const app = await createApp({ adapter, options: { login: { parameters } } });
    app.op.idToken({ claims: (claims) => ({ ...claims, acr: 'gold' }) });
    const browser = new Browser(app);
    const { searchParams: sent } = new URL((await browser.get('/auth/login')).location);
    expect(sent.getAll('resource')).toEqual(parameters.resource);
    expect(JSON.parse(sent.get('authorization_details') ?? '')).toEqual(parameters.authorization_details);
    expect(JSON.parse(sent.get('claims') ?? '')).toEqual(parameters.claims);
    expect((await browser.login()).status).toBe(303);
    app.op.idToken({ claims: (claims) => ({ ...claims, acr: 'silver' }) });
    expectCallbackRefused(await new Browser(app).login(), 403, 'ACR_MISMATCH', app);
  });

  it.each<[object, string]>([
    [{ resource: 'api' }, 'login.parameters.resource: must be absolute URIs without a fragment'],
    [{ claims: '{' }, 'login.parameters.claims: must have userinfo and id_token only'],
    [{ authorization_details: [{}] }, 'login.parameters.authorization_details.0.type: is required'],
    [{ prompt: 1 }, 'login.parameters.prompt: must be text'],
    [{ request: 'x' }, 'login.parameters: may name no parameter of the protocol: request'],
  ])('the boot stops at parameters of another shape: %j', async (parameters, message) => {
    await expect(createApp({ adapter, options: { login: { parameters: parameters as never } } })).rejects.toMatchObject(
      {
        message,
      },
    );
  });

  it('a link may choose them where that is allowed, and what it spoils is left out', async () => {
    const app = await createApp({
      adapter,
      options: { login: { allow: ['claims', 'resource', 'authorization_details'] } },
    });
    const sentBy = async (query: Record<string, string>) => {
      const begun = await new Browser(app).get(`/auth/login?${new URLSearchParams(query).toString()}`);
      const { searchParams } = new URL(begun.location);
      return Object.keys(query).map((name) => searchParams.get(name));
    };
    const good = {
      claims: '{"userinfo":{"email":null}}',
      resource: 'https://a.test',
      authorization_details: '[{"type":"a"}]',
    };
    expect(await sentBy(good)).toEqual(Object.values(good));
    expect(await sentBy({ claims: '{"email":1}', resource: 'a b', authorization_details: '[]' })).toEqual([
      null,
      null,
      null,
    ]);
  });
});
