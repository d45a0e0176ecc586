import { describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import {
  ACCESS_TOKEN_PROFILES,
  AccessToken,
  OidcClient,
  OidcGuard,
  Roles,
  StepUp,
  type VerifiedAccessToken,
} from '../../lib/index.js';
import { AUDIENCE, onBothAdapters } from '../support/app/apps.js';
import { createDevelopmentApp, DevelopmentIssuer } from '../support/provider/development.js';

@Controller('roles')
@UseGuards(OidcGuard)
class RolesController {
  @Get()
  all(@AccessToken() token: VerifiedAccessToken) {
    return { sub: token.sub ?? null, client: token.client_id, scopes: token.scopes, roles: token.roles };
  }

  @Get('admin')
  @Roles('admin')
  admin() {
    return {};
  }

  @Get('recent')
  @StepUp({ maxAge: 60 })
  recent() {
    return {};
  }
}

onBothAdapters((adapter) => {
  const controllers = [RolesController];

  it('gives an opaque token of a person, which the API introspects', async () => {
    const { app, op } = await createDevelopmentApp({ adapter, controllers });
    const token = await op.token({ sub: 'alice', scope: 'openid orders:read' });
    expect(token).toMatch(/^[\w-]{43}$/);
    expect((await app.call('/roles', token)).json()).toEqual({
      sub: 'alice',
      client: 'rp1',
      scopes: ['openid', 'orders:read'],
      roles: ['admin', 'user'],
    });
    expect((await app.call('/roles/recent', token)).status).toBe(200);
  });

  it('gives Alice and Bob different roles', async () => {
    const { app, op } = await createDevelopmentApp({ adapter, controllers });
    expect((await app.call('/roles/admin', await op.token({ sub: 'alice' }))).status).toBe(200);
    expect((await app.call('/roles/admin', await op.token({ sub: 'bob' }))).status).toBe(403);
  });

  it('signs introspections where that is registered (RFC 9701)', async () => {
    const client = { introspection_signed_response_alg: 'ES256' };
    const { app, op } = await createDevelopmentApp({ adapter, controllers, client });
    expect((await app.call('/roles', await op.token({ sub: 'bob' }))).json()).toMatchObject({ sub: 'bob' });
  });

  it('gives a JWT where the API verifies JWTs', async () => {
    const options = { resourceServer: { audience: AUDIENCE, validation: 'jwt' as const } };
    const { app, op } = await createDevelopmentApp({ adapter, controllers, options });
    const token = await op.token({ sub: 'bob', scope: 'orders:read' });
    const [header = ''] = token.split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg: 'RS256', typ: 'at+jwt' });
    expect((await app.call('/roles', token)).json()).toEqual({
      sub: 'bob',
      client: 'rp1',
      scopes: ['orders:read'],
      roles: ['user'],
    });
  });

  it('gives the machine a token of its own, with the scope that it asks for', async () => {
    const { app, op } = await createDevelopmentApp({ adapter });
    const token = await op.machine('orders:read');
    expect((await app.call('/orders', token)).json()).toEqual({ client_id: 'cli', scopes: ['orders:read'] });
    expect((await app.call('/orders', await op.machine('orders:write'))).status).toBe(403);
  });

  it('revokes a token', async () => {
    const { app, op } = await createDevelopmentApp({ adapter, controllers });
    const token = await op.token({ sub: 'alice' });
    await app.nest.get(OidcClient).revoke(token);
    expect((await app.call('/roles', token)).status).toBe(401);
  });
});

describe('access tokens by profile', () => {
  it.each(Object.keys(ACCESS_TOKEN_PROFILES))('are taken, of a person, as %s', async (name) => {
    const [accessTokens = 'rfc9068'] = Object.keys(ACCESS_TOKEN_PROFILES).filter(
      (known): known is keyof typeof ACCESS_TOKEN_PROFILES => known === name,
    );
    const { app, op } = await createDevelopmentApp({
      controllers: [RolesController],
      options: { resourceServer: { audience: AUDIENCE, validation: 'jwt', accessTokens } },
    });
    const roles = 'roles' in ACCESS_TOKEN_PROFILES[accessTokens] ? ['admin', 'user'] : [];
    const answer = await app.call('/roles', await op.token({ sub: 'alice', scope: 'orders:read' }));
    expect([app.lastCode, answer.status, answer.json()]).toMatchObject([
      undefined,
      200,
      { sub: 'alice', scopes: ['orders:read'], roles },
    ]);
  });

  it('name another API by its name', async () => {
    const { app, op } = await createDevelopmentApp({
      controllers: [RolesController],
      options: { resourceServer: { audience: 'orders-api', validation: 'jwt', accessTokens: 'keycloak' } },
    });
    expect((await app.call('/roles/admin', await op.token({ sub: 'alice' }))).status).toBe(200);
  });
});

describe('the page for tokens', () => {
  it('shows the token with a line of curl, and is nobody else’s to keep', async () => {
    const { app, op } = await createDevelopmentApp({ options: { login: { scope: 'openid orders:read' } } });
    const empty = await op.request('/');
    expect([empty.status, empty.header('cache-control')]).toEqual([200, 'no-store']);
    expect(empty.body).toContain('curl -s -u cli:cli-secret');
    expect(empty.header('content-security-policy')).toContain("default-src 'none'");
    expect(empty.header('content-security-policy')).not.toContain('unsafe');

    const page = await op.form(
      { client_id: 'rp1', sub: 'bob', scope: 'orders:read' },
      { origin: op.origin, 'sec-fetch-site': 'same-origin' },
    );
    // The audience is a name, and no address where this application listens.
    expect(page.body).toContain(`curl -i ${app.url}/ \\\n`);
    expect(page.body).toMatch(/-H "Authorization: Bearer [\w-]{43}"/);
  });

  it('asks for no scope where the options have none', async () => {
    const { op } = await createDevelopmentApp();
    const { body } = await op.request('/');
    expect(body).toContain('-d grant_type=client_credentials');
    expect(body).not.toContain('scope=&#39;');
    expect(body).not.toContain("scope='");
    expect(body).toContain(`client_credentials \\\n  ${op.origin}/token<`);
  });

  it('links to files that are there', async () => {
    const op = await DevelopmentIssuer.free('127.0.0.1', '/realms/dev');
    await createDevelopmentApp({ op });
    const { body } = await op.request('/');
    const files = [...body.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path]) => String(path));
    expect(files).toEqual(['/realms/dev/assets/icon.svg', '/realms/dev/assets/page.css']);
    for (const file of files) {
      expect((await fetch(op.origin + file)).status).toBe(200);
    }
  });

  const stranger: readonly (readonly [string, (own: string) => Record<string, string>])[] = [
    ['another site', () => ({ origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' })],
    ['another port of this machine', () => ({ origin: 'http://127.0.0.1:3000', 'sec-fetch-site': 'same-site' })],
    ['nowhere', () => ({ origin: 'null', 'sec-fetch-site': 'cross-site' })],
    ['a browser that hides the origin', () => ({ 'sec-fetch-site': 'cross-site' })],
    ['a frame of another site', (own) => ({ origin: own, 'sec-fetch-site': 'cross-site' })],
    ['no page at all', () => ({})],
  ];

  it.each(stranger)('gives no token to a form from %s', async (_name, headers) => {
    const { op } = await createDevelopmentApp();
    const page = await op.form({ client_id: 'rp1', sub: 'alice' }, headers(op.origin));
    expect(page.status).toBe(403);
    expect(page.body).not.toContain('id="token"');
  });

  it.each(['evil.test', 'evil.test:4000', 'localhost', '127.0.0.1', '127.0.0.1:1', 'alice@127.0.0.1'])(
    'answers nothing to the host %s',
    async (host) => {
      const { op } = await createDevelopmentApp();
      const own = { origin: op.origin, 'sec-fetch-site': 'same-origin' };
      for (const headers of [{ host }, { host, ...own }]) {
        const page = await op.request('/', { headers });
        expect([page.status, page.body]).toEqual([421, `The provider for development is at ${op.origin}.\n`]);
      }
      expect((await op.form({ client_id: 'rp1', sub: 'alice' }, { ...own, host })).status).toBe(421);
      expect((await op.request('/.well-known/openid-configuration', { headers: { host } })).status).toBe(421);
    },
  );

  it('refuses whom it does not know', async () => {
    const { op } = await createDevelopmentApp();
    const own = { origin: op.origin, 'sec-fetch-site': 'same-origin' };
    expect((await op.form({ client_id: 'rp1', sub: 'mallory' }, own)).status).toBe(400);
    expect((await op.form({ client_id: 'nobody', sub: 'alice' }, own)).status).toBe(400);
    expect((await op.form({ client_id: 'rp1', sub: 'alice', scope: 'a'.repeat(9000) }, own)).status).toBe(413);
  });

  it('escapes what is put in', async () => {
    const { op } = await createDevelopmentApp();
    const own = { origin: op.origin, 'sec-fetch-site': 'same-origin' };
    const page = await op.form({ client_id: 'rp1', sub: 'alice', scope: '<script>alert(1)</script>' }, own);
    expect(page.status).toBe(200);
    expect(page.body).toContain('&#60;script&#62;alert(1)&#60;/script&#62;');
    expect(page.body).not.toContain('<script>alert');
  });
});
