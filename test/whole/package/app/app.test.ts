import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { OIDC_DISPATCHER, OidcClient } from 'nestjs-oidc';
import { MockAgent } from 'undici';
import { AppModule } from './app.module.js';

describe('an application that has installed nestjs-oidc', () => {
  const server = new MockAgent();
  let app: INestApplication;
  let url: string;

  beforeAll(async () => {
    server.disableNetConnect();
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(OIDC_DISPATCHER)
      .useValue(server)
      .compile();
    app = module.createNestApplication();
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });

  afterAll(() => app.close());

  function introspectionSays(scope: string): void {
    server
      .get('https://op.example.com')
      .intercept({ path: '/introspect', method: 'POST' })
      .reply(
        200,
        { active: true, iss: 'https://op.example.com', aud: 'https://api.example.com', sub: 'ada', scope },
        { headers: { 'content-type': 'application/json' } },
      );
  }

  function orders(token: string): Promise<Response> {
    return fetch(`${url}/orders`, { headers: { authorization: `Bearer ${token}` } });
  }

  it('injects the client', () => {
    expect(app.get(OidcClient).issuer).toBe('https://op.example.com');
  });

  it('lets an active token in', async () => {
    introspectionSays('orders:read');
    const response = await orders('one');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ owner: 'ada' });
  });

  it('refuses a token without the scope', async () => {
    introspectionSays('profile');
    expect((await orders('two')).status).toBe(403);
  });

  it('starts a login', async () => {
    const response = await fetch(`${url}/auth/login`, { redirect: 'manual' });
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toContain('https://op.example.com/auth?');
    expect(response.headers.get('location')).toContain('code_challenge_method=S256');
  });
});
