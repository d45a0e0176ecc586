import type { INestApplication, Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { request } from 'undici';

import { OIDC_OPTIONS } from '../../../lib/index.js';
import { TestProvider } from '../../../lib/testing.js';
import { CapturedLogger } from '../../support/app/captured-logger.js';
import { closeLater } from '../../support/closing.js';

interface Started {
  readonly provider: TestProvider;
  readonly app: INestApplication;
}

/** A sample's application, as it is but for its provider. */
async function start(AppModule: Type): Promise<Started> {
  const provider = closeLater(await TestProvider.start());
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(OIDC_OPTIONS)
    .useFactory(provider.optionsFactory())
    .setLogger(new CapturedLogger())
    .compile();
  const app = closeLater(module.createNestApplication());
  await app.listen(0, '127.0.0.1');
  return { provider, app };
}

async function get(app: INestApplication, path: string, headers: Record<string, string>) {
  const answer = await request((await app.getUrl()) + path, { headers, reset: true });
  return { status: answer.statusCode, body: await answer.body.text() };
}

beforeAll(() => {
  // The samples read their settings when they are loaded, as a process does.
  ['PORT', 'OP_PORT', 'ISSUER', 'APP_URL', 'REDIS_URL'].forEach((name) => delete process.env[name]);
  process.env['RESOURCE'] = 'https://pay.example.com';
});

describe('the samples, tested with the kit', () => {
  it('02-web-app signs in, and out by the provider', async () => {
    const { AppModule } = await import('../../../sample/02-web-app/app.module.js');
    const { provider, app } = await start(AppModule);
    const cookie = await provider.signIn(app, { sub: 'ada', claims: { name: 'Ada Lovelace' } });
    expect(await get(app, '/auth/me', { cookie })).toMatchObject({
      status: 200,
      body: expect.stringContaining('"ada"'),
    });
    await provider.signOut(app, { sub: 'ada' });
    expect((await get(app, '/auth/me', { cookie })).status).toBe(401);
  });

  it('03-resource-server takes opaque tokens, JWTs and bound ones', async () => {
    const { AppModule } = await import('../../../sample/03-resource-server/app.module.js');
    const { provider, app } = await start(AppModule);
    const host = 'pay.example.com';
    for (const format of ['opaque', 'jwt'] as const) {
      const token = await provider.accessToken({ scope: 'payments:read payments:write', format });
      const headers = { host, authorization: `Bearer ${token}` };
      expect((await get(app, '/payments', headers)).status).toBe(200);
      expect((await get(app, '/payments/rates', headers)).status).toBe(200);
    }
    const key = await provider.dpopKey();
    const token = await provider.accessToken({ scope: 'payments:read', dpop: key });
    const headers = await key.headers({ token, url: 'https://pay.example.com/payments' });
    expect((await get(app, '/payments', { host, ...headers })).status).toBe(200);
  });

  it('05-fapi signs in with all that FAPI asks for', async () => {
    const { AppModule } = await import('../../../sample/05-fapi/app.module.js');
    const { provider, app } = await start(AppModule);
    const cookie = await provider.signIn(app, { sub: 'ada' });
    expect(await get(app, '/auth/me', { cookie })).toMatchObject({
      status: 200,
      body: expect.stringContaining('"ada"'),
    });
    expect(provider.calls('pushed_authorization_request')).toBe(1);
  });
});
