import { ConsoleLogger } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { expect, it } from '@jest/globals';
import { MockAgent } from 'undici';

import {
  customFetch,
  OIDC_DISPATCHER,
  OidcClient,
  OidcModule,
  type ClientMetadata,
  type OidcModuleExtras,
} from '../../lib/index.js';

const server = { issuer: 'https://op.test', token_endpoint: 'https://op.test/token' };

function oidc(extras: OidcModuleExtras = {}, metadata: Partial<ClientMetadata> = {}) {
  const client = { client_id: 'rp1', client_secret: 'secret', ...metadata };
  return OidcModule.forRoot({ issuer: 'https://op.test', server, client, ...extras });
}

/** A provider that exists only in this dispatcher. */
function dispatcher(): MockAgent {
  const agent = new MockAgent();
  agent.disableNetConnect();
  const headers = { 'content-type': 'application/json' };
  agent
    .get('https://op.test')
    .intercept({ path: '/token', method: 'POST' })
    .reply(200, { access_token: 'from-the-mock', token_type: 'Bearer' }, { headers });
  return agent;
}

async function tokenOf(builder: TestingModuleBuilder): Promise<string> {
  const app = await builder.setLogger(new ConsoleLogger({ logLevels: [] })).compile();
  await app.init();
  const { access_token } = await app.get(OidcClient).clientCredentials();
  await app.close();
  return access_token;
}

it('the dispatcher comes from the providers, and is not closed with the application', async () => {
  const agent = dispatcher();
  const providers = [{ provide: OIDC_DISPATCHER, useValue: agent }];
  expect(await tokenOf(Test.createTestingModule({ imports: [oidc({ providers })] }))).toBe('from-the-mock');
  agent.assertNoPendingInterceptors();
  agent.get('https://op.test').intercept({ path: '/still-open' }).reply(204);
  expect((await agent.request({ origin: 'https://op.test', path: '/still-open', method: 'GET' })).statusCode).toBe(204);
  await agent.close();
});

it('the dispatcher can be overridden in a test where nobody declares it', async () => {
  const agent = dispatcher();
  const builder = Test.createTestingModule({ imports: [oidc()] })
    .overrideProvider(OIDC_DISPATCHER)
    .useValue(agent);
  expect(await tokenOf(builder)).toBe('from-the-mock');
  await agent.close();
});

it('a Fetch API in the client metadata stands in for the transport', async () => {
  const calls: string[] = [];
  const fetch: NonNullable<ClientMetadata[typeof customFetch]> = async (url, { method, redirect }) => {
    calls.push(`${method} ${url} ${redirect}`);
    return Response.json({ access_token: 'from-the-fetch', token_type: 'Bearer' });
  };
  const builder = Test.createTestingModule({ imports: [oidc({}, { [customFetch]: fetch })] });
  expect(await tokenOf(builder)).toBe('from-the-fetch');
  expect(calls).toEqual(['POST https://op.test/token manual']);
});
