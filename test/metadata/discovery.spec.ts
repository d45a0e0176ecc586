import { describe, expect, it } from '@jest/globals';

import type { ClientMetadata } from '../../lib/metadata/client-metadata.js';
import { wellKnownUrls } from '../../lib/metadata/discovery.js';
import { parseServerMetadata } from '../../lib/metadata/server-metadata.js';
import type { Fault } from '../../lib/testing/http-faults.js';
import { clientOf, loginWith, rejection } from '../support/client/client.js';
import type { Members } from '../support/provider/hostile-provider.js';
import { startProvider } from '../support/provider/provider.js';

describe('the place of the metadata', () => {
  it.each([
    ['https://op.test', 'https://op.test/.well-known/openid-configuration'],
    ['https://op.test/t1', 'https://op.test/t1/.well-known/openid-configuration'],
    ['https://op.test/test/a/x/', 'https://op.test/test/a/x/.well-known/openid-configuration'],
  ])('DISC-05 A1 of %s is asked for once, at %s', (issuer, url) => {
    expect(wellKnownUrls(issuer, 'openid-configuration')).toEqual([url]);
  });

  it.each([
    ['https://op.test', ['https://op.test/.well-known/oauth-authorization-server']],
    ['https://op.test/', ['https://op.test/.well-known/oauth-authorization-server']],
    ['https://op.test/t1', ['https://op.test/.well-known/oauth-authorization-server/t1']],
    [
      'https://op.test/t1/',
      [
        'https://op.test/.well-known/oauth-authorization-server/t1',
        'https://op.test/.well-known/oauth-authorization-server/t1/',
      ],
    ],
  ])('DISC-05 A3 of %s in its OAuth form is %p', (issuer, urls) => {
    expect(wellKnownUrls(issuer, 'oauth-authorization-server')).toEqual(urls);
  });

  it('DISC-05 A1 is what a provider with a path sees', async () => {
    const op = await startProvider({ path: '/test/a/x' });
    await clientOf(op).oidc.serverMetadata();
    await clientOf(op, { settings: { document: 'oauth-authorization-server' } }).oidc.serverMetadata();
    expect(op.requests().map(({ path }) => path)).toEqual([
      '/test/a/x/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/test/a/x',
    ]);
  });
});

describe('metadata is refused', () => {
  it.each<[string, Members, string]>([
    ['DISC-01 A2 of another issuer', { issuer: 'https://evil.test' }, 'ISSUER_MISMATCH'],
    ['DISC-15 with a list for an endpoint', { token_endpoint: ['https://op.test/token'] }, 'INVALID_SERVER_METADATA'],
    ['DISC-15 with text for a list', { response_types_supported: 'code' }, 'INVALID_SERVER_METADATA'],
    ['DISC-15 with an object for a URL', { jwks_uri: {} }, 'INVALID_SERVER_METADATA'],
    ['DISC-09 with a script', { authorization_endpoint: 'javascript:alert(1)' }, 'INVALID_SERVER_METADATA'],
    ['DISC-09 with a file', { authorization_endpoint: 'file:///etc/passwd' }, 'INVALID_SERVER_METADATA'],
    ['DISC-09 with a page', { authorization_endpoint: 'data:text/html,x' }, 'INVALID_SERVER_METADATA'],
    ['DISC-10 with user information', { token_endpoint: 'https://op.test@evil.test/token' }, 'INVALID_SERVER_METADATA'],
    ['DISC-08 with http elsewhere', { token_endpoint: 'http://op.test/token' }, 'INVALID_SERVER_METADATA'],
    ['with an endpoint of a kind that we do not know', { new_endpoint: 'http://evil.test' }, 'INVALID_SERVER_METADATA'],
  ])('%s', async (_what, members, code) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.discovery((document) => ({ ...document, ...members }));
    const error = await rejection(oidc.clientCredentials());
    expect(error).toMatchObject({ name: 'DiscoveryError', code });
    if (code === 'INVALID_SERVER_METADATA') {
      expect(Object(error).message).toContain(Object.keys(members)[0]);
    } else {
      expect(Object(error).message).toBe(
        `The server at "${op.issuer}" publishes the metadata of another issuer: "https://evil.test".`,
      );
    }
    expect(op.requests().map(({ endpoint }) => endpoint)).toEqual(['discovery']);
  });

  it.each([
    ['a tenant', '/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0', '/{tenantid}/v2.0'],
    ['another path', '/common/v2.0', '/{tenantid}/v1.0'],
    ['a longer path', '/common/v2.0', '/{tenantid}/v2.0/'],
    ['two segments', '/common/organizations', '/{tenantid}/{tenantid}'],
    ['a part of a segment', '/common/v2.0', '/x{tenantid}/v2.0'],
  ])('TEN-13 of an issuer that is a template, at the place of %s', async (_what, path, template) => {
    const op = await startProvider({ path });
    op.discovery((document) => ({ ...document, issuer: op.origin + template }));
    const { oidc } = clientOf(op, { settings: { tenants: () => true } });
    expect(await rejection(oidc.clientCredentials())).toMatchObject({
      name: 'DiscoveryError',
      code: 'ISSUER_MISMATCH',
    });
    expect(op.requests().map(({ endpoint }) => endpoint)).toEqual(['discovery']);
  });

  it('TEN-13 of an issuer whose host is a template', () => {
    const rule = { issuer: 'https://common', insecureHttp: false, tenants: () => true };
    const parse = () => parseServerMetadata({ issuer: 'https://{tenantid}' }, rule);
    expect(parse).toThrow(expect.objectContaining({ code: 'ISSUER_MISMATCH' }));
  });

  it.each(['https://op.test/', 'https://OP.test', 'https://op.test:443', 'https://op.test#'])(
    'DISC-02 DISC-03 of %s where https://op.test was meant',
    (issuer) => {
      const rule = { issuer: 'https://op.test', insecureHttp: false };
      expect(() => parseServerMetadata({ issuer }, rule)).toThrow(expect.objectContaining({ code: 'ISSUER_MISMATCH' }));
    },
  );

  it('in one line of a log, whatever another issuer is called', () => {
    const rule = { issuer: 'https://op.test', insecureHttp: false };
    const parse = () => parseServerMetadata({ issuer: `a\n"${'x'.repeat(500_000)}` }, rule);
    expect(parse).toThrow(/^The server at "https:\/\/op.test" publishes .*: "a\\n\\"x{252}\.\.\."\.$/);
  });

  it.each<[string, Members]>([
    ['an endpoint', { 'a\n[Nest] b_endpoint': 'http://evil.test' }],
    ['an alias', { mtls_endpoint_aliases: { 'a\n[Nest] b': 'http://evil.test' } }],
    ['an alias of another type', { mtls_endpoint_aliases: { 'a\n[Nest] b': 7 } }],
  ])('in one line of a log, whatever %s is called', (_what, members) => {
    const rule = { issuer: 'https://op.test', insecureHttp: false };
    const parse = () => parseServerMetadata({ issuer: 'https://op.test', ...members }, rule);
    expect(parse).toThrow(/^The server's metadata has a wrong value: [\x20-\x7e]+$/);
  });

  it('DISC-08 with http on loopback, where the issuer is not there', () => {
    const document = { issuer: 'https://op.test', token_endpoint: 'http://127.0.0.1/token' };
    const parse = (insecureHttp: boolean) => parseServerMetadata(document, { issuer: 'https://op.test', insecureHttp });
    expect(() => parse(false)).toThrow(expect.objectContaining({ code: 'INVALID_SERVER_METADATA' }));
    expect(parse(true).token_endpoint).toBe('http://127.0.0.1/token');
  });

  it.each<[string, Fault, string]>([
    ['DISC-12 elsewhere', { status: 302, headers: { location: 'https://evil.test' } }, 'UNEXPECTED_REDIRECT'],
    ['DISC-13 as a page', { headers: { 'content-type': 'text/html' }, body: '<html>' }, 'UNEXPECTED_CONTENT_TYPE'],
    ['DISC-14 as a list', { headers: { 'content-type': 'application/json' }, body: '[]' }, 'INVALID_JSON'],
    ['DISC-14 as text', { headers: { 'content-type': 'application/json' }, body: '"x"' }, 'INVALID_JSON'],
    ['DISC-14 as null', { headers: { 'content-type': 'application/json' }, body: 'null' }, 'INVALID_JSON'],
    ['DISC-14 as a number', { headers: { 'content-type': 'application/json' }, body: '1' }, 'INVALID_JSON'],
    ['DISC-20 of 10 MB', { body: { pad: 'x'.repeat(10_000_000) } }, 'RESPONSE_TOO_LARGE'],
    [
      'DISC-20 compressed',
      { headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' }, body: 'x' },
      'UNEXPECTED_CONTENT_ENCODING',
    ],
    ['nowhere', { status: 404, body: '' }, 'UNEXPECTED_STATUS'],
  ])('%s, and asked for anew the next time', async (_what, answer, code) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.answer('discovery', answer);
    expect(await rejection(oidc.serverMetadata())).toMatchObject({ name: 'DiscoveryError', code });
    op.heal();
    expect((await oidc.serverMetadata()).issuer).toBe(op.issuer);
  });

  it.each([
    ['first ours', (own: string) => `{"issuer":"${own}","issuer":"https://evil.test"}`, false],
    ['last ours', (own: string) => `{"issuer":"https://evil.test","issuer":"${own}"}`, true],
  ])('DISC-19 by the last of two issuers: %s', async (_what, body, isGood) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.answer('discovery', { headers: { 'content-type': 'application/json' }, body: body(op.issuer) });
    const result = await oidc.serverMetadata().then(
      ({ issuer }) => issuer,
      (error: unknown) => Object(error).code,
    );
    expect(result).toBe(isGood ? op.issuer : 'ISSUER_MISMATCH');
  });
});

describe('metadata is shared and kept', () => {
  it('DISC-22 by 100 who start at once, also when it fails', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.answer('discovery', { status: 404 }, { times: 1 });
    const failed = await Promise.allSettled(Array.from({ length: 100 }, () => oidc.authorizationUrl()));
    expect([op.count('discovery'), new Set(failed.map(({ status }) => status))]).toEqual([1, new Set(['rejected'])]);
    await Promise.all(Array.from({ length: 100 }, () => oidc.authorizationUrl()));
    expect(op.count('discovery')).toBe(2);
  });

  it('DISC-23 NET-22 after a failure of the server, with one more try at once', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.answer('discovery', { status: 500 }, { times: 1 });
    expect((await oidc.serverMetadata()).issuer).toBe(op.issuer);
    expect(op.count('discovery')).toBe(2);
  });

  it('for as long as the server is down', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    await oidc.serverMetadata();
    op.answer('discovery', { status: 500 });
    op.clock.advance(86_400);
    expect((await oidc.serverMetadata()).issuer).toBe(op.issuer);
  });

  it('A6 and its keys are found where it says, at every start anew', async () => {
    const op = await startProvider();
    for (const path of ['other', 'jwks']) {
      op.discovery((document) => ({ ...document, jwks_uri: `${op.issuer}/${path}` }));
      op.forgetRequests();
      const { oidc } = clientOf(op, { metadata: { introspection_signed_response_alg: 'ES256' } });
      await oidc.introspect(op.issue()).catch(() => undefined);
      expect(op.requests().map(({ endpoint }) => endpoint)).toEqual(['discovery', 'introspect', path]);
    }
  });
});

describe('what the server does not publish', () => {
  it('DISC-16 keys: no signature is believed', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { introspection_signed_response_alg: 'ES256' } });
    op.discovery(({ jwks_uri: _, ...document }) => document);
    expect(await rejection(oidc.introspect(op.issue()))).toMatchObject({ name: 'ConfigError', code: 'NO_JWKS_URI' });
  });

  it('DISC-17 an endpoint: at the first call, or at boot', async () => {
    const op = await startProvider();
    const { oidc, server } = clientOf(op);
    op.discovery(({ introspection_endpoint: _, ...document }) => document);
    const missing = { name: 'ConfigError', code: 'ENDPOINT_MISSING', member: 'server.introspection_endpoint' };
    expect(await rejection(oidc.introspect('token'))).toMatchObject(missing);
    await oidc.ready();
    server.needs('introspection_endpoint');
    expect(await rejection(oidc.ready())).toMatchObject(missing);
  });

  it('A13 our method of authentication: no other is tried', async () => {
    const op = await startProvider();
    const { oidc, server } = clientOf(op);
    op.discovery((document) => ({ ...document, token_endpoint_auth_methods_supported: ['private_key_jwt'] }));
    expect(await rejection(oidc.clientCredentials())).toMatchObject({ code: 'AUTH_METHOD_UNSUPPORTED' });
    server.needs('token_endpoint');
    expect(await rejection(oidc.ready())).toMatchObject({ code: 'AUTH_METHOD_UNSUPPORTED' });
    expect(op.count('token')).toBe(0);
  });

  it('a public client: it needs no listing', async () => {
    const op = await startProvider();
    const { oidc, server } = clientOf(op, {
      metadata: { client_secret: undefined, token_endpoint_auth_method: 'none' },
    });
    op.discovery((document) => ({
      ...document,
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'private_key_jwt'],
      revocation_endpoint_auth_methods_supported: ['client_secret_basic'],
    }));
    server.needs('token_endpoint');
    await oidc.ready();
    await loginWith(oidc, op);
    await oidc.revoke('token');
    expect(op.last('token').form).toMatchObject({ client_id: 'rp1', grant_type: 'authorization_code' });
  });

  it.each([
    ['response_types_supported', ['id_token']],
    ['grant_types_supported', ['implicit']],
    ['scopes_supported', ['openid']],
    ['code_challenge_methods_supported', ['plain']],
    ['response_modes_supported', ['fragment']],
    ['claims_supported', []],
  ])('all of its %s: a login and a grant work all the same', async (list, values) => {
    const op = await startProvider();
    const { oidc, server } = clientOf(op);
    op.discovery((document) => ({ ...document, [list]: values }));
    server.needs('authorization_endpoint', 'token_endpoint');
    await oidc.ready();
    await loginWith(oidc, op, { request: { scope: 'openid profile orders:read' } });
    expect((await oidc.clientCredentials({ scope: 'orders:read' })).token_type).toBe('Bearer');
  });

  it.each<[string, Partial<ClientMetadata>, Members]>([
    ['the ID token', { id_token_signed_response_alg: 'ES256' }, { id_token_signing_alg_values_supported: ['RS256'] }],
    ['userinfo', { userinfo_signed_response_alg: 'ES256' }, { userinfo_signing_alg_values_supported: [] }],
    [
      'introspection',
      { introspection_signed_response_alg: 'ES256' },
      { introspection_signing_alg_values_supported: ['none', 'RS256'] },
    ],
  ])('our algorithm for %s: found out when it is asked whether all is ready', async (_what, metadata, members) => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata });
    await oidc.ready();
    op.discovery((document) => ({ ...document, ...members }));
    const [member] = Object.keys(metadata);
    expect(await rejection(oidc.ready())).toMatchObject({
      code: 'INVALID_CONFIG',
      message: `client.${member}: is not among the algorithms of the server`,
    });
    op.discovery((document) => ({
      ...document,
      ...Object.fromEntries(Object.keys(members).map((name) => [name, undefined])),
    }));
    await oidc.ready();
  });

  it.each<[string, Members]>([
    ['only plain', { code_challenge_methods_supported: ['plain'] }],
    ['nothing', { code_challenge_methods_supported: undefined }],
  ])('DISC-24 PKCE, %s: S256, state and nonce are sent all the same', async (_what, members) => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.discovery((document) => ({ ...document, ...members }));
    const { searchParams } = new URL((await oidc.authorizationUrl()).url);
    expect(searchParams.get('code_challenge_method')).toBe('S256');
    expect(searchParams.get('state')).toMatch(/^[\w-]{43}$/);
    expect(searchParams.get('nonce')).toMatch(/^[\w-]{43}$/);
  });
});

describe('server metadata in the options', () => {
  it('stands above what is discovered', async () => {
    const op = await startProvider();
    const server = { token_endpoint: `${op.issuer}/other` };
    const { oidc } = clientOf(op, { settings: { server } });
    expect(await oidc.serverMetadata()).toMatchObject({ ...server, userinfo_endpoint: op.url('userinfo') });
  });

  it('with its issuer is the whole: nothing is fetched', async () => {
    const op = await startProvider();
    const server = { issuer: op.issuer, token_endpoint: op.url('token') };
    const { oidc } = clientOf(op, { settings: { server } });
    await oidc.clientCredentials();
    expect(op.requests().map(({ endpoint }) => endpoint)).toEqual(['token']);
  });

  it('obeys the same rules', async () => {
    const op = await startProvider();
    const server = { issuer: op.issuer, token_endpoint: 'http://op.test/token' };
    expect(() => clientOf(op, { settings: { server } })).toThrow(expect.objectContaining({ name: 'DiscoveryError' }));
  });
});
