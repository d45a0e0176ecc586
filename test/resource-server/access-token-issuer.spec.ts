import { expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import { AccessToken, OidcGuard, type TrustedIssuerOptions, type VerifiedAccessToken } from '../../lib/index.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';
import { expectBadToken } from '../support/app/outcomes.js';
import { clientOf, rejection } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';
import { jwtAccessToken } from '../support/tokens/access-token.js';

/** As AD FS calls itself in access tokens: a name, which nobody fetches. */
const NAME = 'http://fs.example.com/adfs/services/trust';

const SECRET_THERE = 'of-the-second-provider-and-32-bytes-long';

@Controller()
@UseGuards(OidcGuard)
class WhoController {
  @Get('who')
  who(@AccessToken() { iss, sub }: VerifiedAccessToken) {
    return [iss, sub];
  }
}

onBothAdapters((adapter) => {
  const boot = async (options: object) => {
    const op = await startProvider();
    const app = await createApp({ adapter, op, controllers: [WhoController], options });
    return { op, app };
  };
  const resourceServer = { audience: 'https://api.test', validation: 'jwt' as const };

  it('access tokens name the published access_token_issuer, and no other', async () => {
    const { op, app } = await boot({ resourceServer });
    op.discovery((document) => ({ ...document, access_token_issuer: NAME }));
    expect((await app.call('/who', jwtAccessToken(op, { claims: { iss: NAME } }))).json()).toEqual([NAME, 'alice']);
    expectBadToken(app, await app.call('/who', jwtAccessToken(op)), 'TOKEN_ISSUER');
  });

  it('an overridden access_token_issuer stands above the published one', async () => {
    const { op, app } = await boot({ resourceServer, server: { access_token_issuer: NAME } });
    op.discovery((document) => ({ ...document, access_token_issuer: 'https://evil.test' }));
    expect((await app.call('/who', jwtAccessToken(op, { claims: { iss: NAME } }))).json()).toEqual([NAME, 'alice']);
    const stranger = jwtAccessToken(op, { claims: { iss: 'https://evil.test' } });
    expectBadToken(app, await app.call('/who', stranger), 'TOKEN_ISSUER');
  });

  it('an introspection may name either', async () => {
    const { op, app } = await boot({ resourceServer: { audience: 'https://api.test' } });
    op.discovery((document) => ({ ...document, access_token_issuer: NAME }));
    for (const [iss, who] of [
      [NAME, NAME],
      [op.issuer, op.issuer],
      [undefined, op.issuer],
    ]) {
      op.introspectionResponse({ body: (members) => ({ ...members, iss }) });
      expect((await app.call('/who', op.issue())).json()).toEqual([who, 'alice']);
    }
    op.introspectionResponse({ body: (members) => ({ ...members, iss: 'https://evil.test' }) });
    expectBadToken(app, await app.call('/who', op.issue()), 'TOKEN_ISSUER');
  });

  it.each(['list', 'resolver'])(
    'among several issuers it is the name by which the issuer is found: a %s',
    async (how) => {
      const second = await startProvider();
      second.rotate();
      const there: TrustedIssuerOptions = { issuer: second.issuer, server: { access_token_issuer: NAME } };
      const issuers = how === 'list' ? [there] : (name: string) => (name === NAME ? there : undefined);
      const { op, app } = await boot({ resourceServer: { ...resourceServer, issuers } });
      expect((await app.call('/who', jwtAccessToken(second, { claims: { iss: NAME } }))).json()).toEqual([
        NAME,
        'alice',
      ]);
      expectBadToken(app, await app.call('/who', jwtAccessToken(second)), 'TOKEN_ISSUER');
      expectBadToken(app, await app.call('/who', jwtAccessToken(op, { claims: { iss: NAME } })), 'TOKEN_INVALID');
      expect((await app.call('/who', jwtAccessToken(op))).json()).toEqual([op.issuer, 'alice']);
    },
  );

  it.each(['op', 'https://stranger.test'])('an issuer does not speak for another one: %s', async (whom) => {
    const second = await startProvider();
    second.rotate();
    second.register({ client_id: 'rp2', client_secret: SECRET_THERE });
    const there = { issuer: second.issuer, client: { client_id: 'rp2', client_secret: SECRET_THERE } };
    const { op, app } = await boot({ resourceServer: { audience: 'https://api.test', issuers: [there] } });
    const other = whom === 'op' ? op.issuer : whom;
    second.discovery((document) => ({ ...document, access_token_issuer: other }));
    const answer = (iss: string) => ({ active: true, sub: 'alice', aud: 'https://api.test', iss });
    second.introspectionResponse({ body: () => answer(other) });
    expectBadToken(app, await app.call('/who', jwtAccessToken(second)), 'TOKEN_ISSUER');
    second.introspectionResponse({ body: () => answer(second.issuer) });
    expect((await app.call('/who', jwtAccessToken(second))).json()).toEqual([second.issuer, 'alice']);
  });
});

it('ID tokens name the issuer, whatever access tokens do', async () => {
  const op = await startProvider();
  op.discovery((document) => ({ ...document, access_token_issuer: NAME }));
  const { server, oidc } = clientOf(op);
  expect(await server.answerIssuer.nameFor({})).toBe(op.issuer);
  const token = jwtAccessToken(op, { claims: { iss: NAME } });
  expect(await oidc.verifyAccessToken(token, { audience: ['https://api.test'] })).toMatchObject({ iss: NAME });
  expect(await rejection(oidc.verifyAccessToken(jwtAccessToken(op)))).toMatchObject({
    code: 'TOKEN_ISSUER',
    cause: { code: 'ISS_MISMATCH', facts: { iss: op.issuer, wanted: NAME } },
  });
});

it.each([7, '', ['x']])('a published access_token_issuer that is no name is refused: %p', async (name) => {
  const op = await startProvider();
  op.discovery((document) => ({ ...document, access_token_issuer: name }));
  expect(await rejection(clientOf(op).oidc.serverMetadata())).toMatchObject({ code: 'INVALID_SERVER_METADATA' });
});
