import { once } from 'node:events';
import { Agent, createServer, request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';

import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, UseGuards } from '@nestjs/common';

import { loadOidcProvider } from '../../lib/development/oidc-provider.js';
import { AccessToken, OidcGuard, OidcModule, type VerifiedAccessToken } from '../../lib/index.js';

import { closeLater } from '../support/closing.js';
import { freePort, isListening } from '../support/ports.js';
import { createDevelopmentApp, DevelopmentIssuer } from '../support/provider/development.js';
import { CLIENT_SECRET } from '../support/provider/provider.js';

const portOf = (issuer: string): number => Number(new URL(issuer).port);

/** The status of an issuer's key set, at one address. */
async function jwksAt(address: string, issuer: string): Promise<number | undefined> {
  const { host, port } = new URL(issuer);
  const call = request({ host: address, port, path: '/jwks', headers: { host }, agent: false }).end();
  const [response]: IncomingMessage[] = await once(call, 'response');
  response?.resume();
  return response?.statusCode;
}

describe('where it starts', () => {
  const { NODE_ENV } = process.env;

  afterEach(() => {
    process.env['NODE_ENV'] = NODE_ENV;
  });

  it('says where it is, with a warning', async () => {
    const { app, op } = await createDevelopmentApp();
    expect(app.logs.filter(({ text }) => text.includes('for development'))).toMatchObject([
      {
        level: 'warn',
        context: 'OidcModule',
        message:
          `A provider for development runs at ${op.issuer} and lets everybody in, as Alice or as Bob. ` +
          'Open it for access tokens.',
      },
    ]);
  });

  it('is there before the metadata are read at the boot', async () => {
    const { app } = await createDevelopmentApp({ options: { discovery: { when: 'boot' } } });
    expect(app.logs.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('is not there without the option', async () => {
    const { op } = await createDevelopmentApp({ options: { development: false } });
    expect(await isListening(portOf(op.issuer))).toBe(false);
  });

  it.each(['production', 'Production', 'production ', 'prod', 'staging', 'tests', 'no development'])(
    'stops the boot where NODE_ENV is %j, and listens nowhere',
    async (environment) => {
      process.env['NODE_ENV'] = environment;
      const op = await DevelopmentIssuer.free();
      await expect(createDevelopmentApp({ op })).rejects.toMatchObject({
        code: 'INVALID_CONFIG',
        message: 'development: needs NODE_ENV to be development or test, or not set',
      });
      expect(await isListening(portOf(op.issuer))).toBe(false);
    },
  );

  it.each(['', ' ', 'development', 'Development ', 'TEST', undefined])(
    'starts where NODE_ENV is %j',
    async (environment) => {
      delete process.env['NODE_ENV'];
      Object.assign(process.env, environment !== undefined && { NODE_ENV: environment });
      const { op } = await createDevelopmentApp();
      expect(await isListening(portOf(op.issuer))).toBe(true);
    },
  );

  it('stops the boot in production for an issuer elsewhere too', async () => {
    process.env['NODE_ENV'] = 'production';
    const op = new DevelopmentIssuer('https://op.test');
    await expect(createDevelopmentApp({ op })).rejects.toMatchObject({ member: 'development' });
  });

  it.each([
    ['https://op.test', {}],
    ['https://127.0.0.1', {}],
    ['http://op.test', { insecureHttp: true }],
    ['http://127.0.0.1.op.test', { insecureHttp: true }],
    ['http://localhost', { backchannelUrl: 'http://127.0.0.2' }],
  ])('starts nothing for %s, and says so', async (base, options) => {
    const port = await freePort();
    const op = new DevelopmentIssuer(`${base}:${port}`);
    const { app } = await createDevelopmentApp({ op, options });
    expect(app.logs.filter(({ text }) => text.includes('No provider for development'))).toMatchObject([
      {
        level: 'warn',
        message:
          `No provider for development starts for ${op.issuer}: ` +
          'it does so for an issuer on this machine, of plain http and without backchannelUrl.',
      },
    ]);
    expect(await isListening(port)).toBe(false);
  });

  it('stops the boot with what to install, where oidc-provider is not installed', async () => {
    const missing = Object.assign(new Error("Cannot find package 'oidc-provider'"), { code: 'ERR_MODULE_NOT_FOUND' });
    await expect(loadOidcProvider(() => Promise.reject(missing))).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: 'development: needs the package oidc-provider: npm install --save-dev oidc-provider',
      cause: missing,
    });
    await expect(loadOidcProvider(() => Promise.reject(new SyntaxError('broken')))).rejects.toThrow(SyntaxError);
  });

  it('prints nothing of the version of Node, and all else', async () => {
    const { warn } = console;
    const printed: unknown[] = [];
    console.warn = (...words: unknown[]) => void printed.push(...words);
    try {
      await loadOidcProvider(async () => {
        console.warn('oidc-provider WARNING: Unsupported runtime. Use Node.js v22.x LTS, or a later LTS release.');
        console.warn('something else');
        return import('oidc-provider');
      });
      console.warn('Unsupported runtime, says the application');
    } finally {
      console.warn = warn;
    }
    expect(printed.filter((line) => !String(line).includes('oidc-provider WARNING'))).toEqual([
      'something else',
      'Unsupported runtime, says the application',
    ]);
    expect(printed.join()).not.toContain('Use Node.js');
  });

  it.each([
    ['localhost', ''],
    ['[::1]', ''],
    ['127.0.0.1', '/'],
    ['127.0.0.1', '/realms/dev'],
    ['127.0.0.1', '/token'],
  ])('serves an issuer at %s%s', async (host, path) => {
    const op = await DevelopmentIssuer.free(host, path);
    const { app } = await createDevelopmentApp({ op, options: { discovery: { when: 'boot' } } });
    const token = await op.token({ sub: 'bob', scope: 'orders:read' });
    expect((await app.call('/orders', token)).json()).toMatchObject({ sub: 'bob' });
    expect((await app.call('/orders', await op.machine('orders:read'))).json()).toMatchObject({ client_id: 'cli' });
  });

  it('serves the metadata of an issuer with a path where RFC 8414 puts them', async () => {
    const op = await DevelopmentIssuer.free('127.0.0.1', '/realms/dev');
    await createDevelopmentApp({
      op,
      options: { discovery: { when: 'boot', document: 'oauth-authorization-server' } },
    });
    expect((await fetch(`${op.origin}/elsewhere`)).status).toBe(404);
    expect((await fetch(`${op.origin}/realms/development`)).status).toBe(404);
  });
});

describe('who listens there', () => {
  async function somebodyElse(issuer: string, address = '127.0.0.1'): Promise<void> {
    const server = createServer((_request, response) => response.end('somebody else'));
    server.listen(portOf(issuer), address);
    await once(server, 'listening');
    closeLater({ close: async () => void server.close() });
  }

  it('uses what listens at the issuer already', async () => {
    const op = await DevelopmentIssuer.free();
    await somebodyElse(op.issuer);
    const { app } = await createDevelopmentApp({ op });
    expect(app.logs.map(({ message }) => message)).toContain(
      `Something listens at ${op.issuer} already, and is used: no provider for development starts.`,
    );
    expect((await op.request('/')).body).toBe('somebody else');
  });

  it('listens at all addresses of a name', async () => {
    const op = await DevelopmentIssuer.free('localhost');
    const { app } = await createDevelopmentApp({ op });
    const answers = ['127.0.0.1', '::1'].map((address) => jwksAt(address, op.issuer));
    expect(await Promise.all(answers)).toEqual([200, 200]);
    await app.nest.close();
    for (const address of ['127.0.0.1', '::1']) {
      await somebodyElse(op.issuer, address);
    }
  });

  it.each(['127.0.0.1', '::1'])(
    'uses what listens at %s already, where a name stands for that too',
    async (address) => {
      const op = await DevelopmentIssuer.free('localhost');
      await somebodyElse(op.issuer, address);
      const { app } = await createDevelopmentApp({ op });
      expect(app.logs.map(({ message }) => message)).toContain(
        `Something listens at ${op.issuer} already, and is used: no provider for development starts.`,
      );
      const [other = ''] = ['127.0.0.1', '::1'].filter((one) => one !== address);
      await expect(jwksAt(other, op.issuer)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    },
  );

  it('registers two clients of one application at one provider', async () => {
    @Controller('partners')
    @UseGuards(OidcGuard.for('partners'))
    class PartnersController {
      @Get()
      list(@AccessToken() token: VerifiedAccessToken) {
        return { sub: token.sub, client_id: token.client_id };
      }
    }
    const op = await DevelopmentIssuer.free();
    const partners = OidcModule.forRoot({
      name: 'partners',
      issuer: op.issuer,
      development: true,
      client: {
        client_id: 'partners',
        client_secret: 'a secret of the partners',
        introspection_signed_response_alg: 'PS256',
      },
      resourceServer: { audience: 'https://partners.test' },
    });
    const { app } = await createDevelopmentApp({ op, imports: [partners], controllers: [PartnersController] });
    const token = await op.token({ client_id: 'partners', sub: 'bob' });
    expect((await app.call('/partners', token)).json()).toEqual({ sub: 'bob', client_id: 'partners' });
    expect((await app.call('/partners', await op.token({ client_id: 'rp1', sub: 'bob' }))).status).toBe(401);
    expect((await op.request('/')).body).toContain('<option value="partners">');
    expect(
      app.logs.filter(
        ({ message }) => message === `The provider for development at ${op.issuer} knows one client more.`,
      ),
    ).toHaveLength(1);
  });

  it.each(['/a', '', '/b/c'])('serves the issuers %j and /b at one port', async (path) => {
    const op = await DevelopmentIssuer.free('127.0.0.1', path);
    const issuer = `${op.origin}/b`;
    const client = { client_id: 'b', client_secret: CLIENT_SECRET };
    const { app } = await createDevelopmentApp({
      op,
      imports: [OidcModule.forRoot({ name: 'b', issuer, development: true, discovery: { when: 'boot' }, client })],
    });
    const names = async (url: string): Promise<unknown> => Object(await (await fetch(url)).json()).issuer;
    const metadata = '/.well-known/oauth-authorization-server';
    for (const one of [op.issuer, issuer]) {
      expect(await names(`${one}/.well-known/openid-configuration`)).toBe(one);
      expect(await names(one.replace(op.origin, op.origin + metadata))).toBe(one);
    }
    expect(app.logs.filter(({ message }) => message.startsWith('A provider for development runs'))).toHaveLength(2);
  });

  it('is shared by two applications of a process, until the last one closes', async () => {
    const op = await DevelopmentIssuer.free();
    const { app: one } = await createDevelopmentApp({ op });
    const { app: other } = await createDevelopmentApp({ op, client: { client_id: 'rp2' } });
    const token = await op.token({ client_id: 'rp2', sub: 'alice', scope: 'orders:read' });
    await one.nest.close();
    expect((await other.call('/orders', token)).status).toBe(200);
    await other.nest.close();
    expect(await isListening(portOf(op.issuer))).toBe(false);
  });

  it('frees its port at once, though one connection is kept alive and another one is in the midst of a request', async () => {
    const op = await DevelopmentIssuer.free();
    const agent = new Agent({ keepAlive: true });
    for (let start = 0; start < 3; start += 1) {
      const { app } = await createDevelopmentApp({ op });
      await new Promise((resolve, reject) => {
        request(`${op.issuer}/jwks`, { agent }, (response) => response.resume().on('end', resolve))
          .on('error', reject)
          .end();
      });
      const slow = connect(portOf(op.issuer), '127.0.0.1').on('error', () => undefined);
      await once(slow, 'connect');
      slow.write('GET / HTTP/1.1\r\n');
      await app.nest.close();
      const server = createServer().listen(portOf(op.issuer), '127.0.0.1');
      await once(server, 'listening');
      server.close();
      await once(server, 'close');
    }
    agent.destroy();
  });

  it('stops the boot where the provider does not take the client, and listens no more', async () => {
    const op = await DevelopmentIssuer.free();
    await expect(createDevelopmentApp({ op, client: { contacts: ['nobody'] } })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: 'client: is not taken by the provider for development: contacts can only contain email addresses',
    });
    expect(await isListening(portOf(op.issuer))).toBe(false);
  });

  it('keeps the clients that it has, where it does not take another one', async () => {
    const { app, op } = await createDevelopmentApp();
    await expect(createDevelopmentApp({ op, client: { contacts: ['nobody'] } })).rejects.toMatchObject({
      member: 'client',
    });
    const secret = Promise.reject(new Error('no secret'));
    secret.catch(() => undefined);
    await expect(
      createDevelopmentApp({ op, client: { client_id: 'rp2', client_secret: () => secret } }),
    ).rejects.toMatchObject({
      code: 'RESOLVER_FAILED',
    });
    const token = await op.token({ sub: 'bob', scope: 'orders:read' });
    expect((await app.call('/orders', token)).status).toBe(200);
  });

  it('stops the boot where it can not listen', async () => {
    const op = new DevelopmentIssuer('http://no..name.localhost:4000');
    await expect(createDevelopmentApp({ op })).rejects.toMatchObject({
      member: 'development',
      message: expect.stringMatching(/^development: can't listen at http:\/\/no\.\.name\.localhost:4000 \(\w+\)$/),
    });
  });
});
