import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';

import { registerClient } from '../../lib/authorization-server/client-registration.js';
import { discoverIssuer } from '../../lib/metadata/webfinger.js';
import { rejection } from '../support/client/client.js';
import { SeenDispatcher } from '../support/client/dispatcher.js';
import { closeLater } from '../support/closing.js';
import { startProvider } from '../support/provider/provider.js';

const HERE = { insecureHttp: true };
const RELATION = 'http://openid.net/specs/connect/1.0/issuer';

/** A provider of the internet, and what is called there. */
async function onTheInternet() {
  const op = await startProvider({ publicOrigin: 'https://op.test', path: '/a1b2c3' });
  const dispatcher = closeLater(
    new SeenDispatcher({ 'https://op.test': op.origin, 'https://op.test:8443': op.origin }),
  );
  return { op, dispatcher };
}

describe('WebFinger', () => {
  it.each<[string, string, string]>([
    ['A4 acct:alias.test@op.test', 'acct:alias.test@op.test', 'https://op.test'],
    ['an e-mail address', 'alice@op.test', 'https://op.test'],
    ['A5 https://op.test/alias/test', 'https://op.test/alias/test', 'https://op.test'],
    ['a URL with a query and a fragment', 'https://op.test/alias?a=b#c', 'https://op.test'],
    ['a host', 'op.test', 'https://op.test'],
    ['a host with a path', 'op.test/alice', 'https://op.test'],
    ['a host with a port', 'op.test:8443', 'https://op.test:8443'],
    ['a user at a host with a port', 'alice@op.test:8443', 'https://op.test:8443'],
  ])('asks the host of %s', async (_what, identifier, origin) => {
    const { op, dispatcher } = await onTheInternet();
    expect(await discoverIssuer(identifier, { dispatcher })).toBe('https://op.test/a1b2c3');
    const { query } = op.last('webfinger');
    const resources: Readonly<Record<string, string>> = {
      'alice@op.test': 'acct:alice@op.test',
      'https://op.test/alias?a=b#c': 'https://op.test/alias?a=b',
      'op.test': 'https://op.test',
      'op.test/alice': 'https://op.test/alice',
      'op.test:8443': 'https://op.test:8443',
      'alice@op.test:8443': 'https://alice@op.test:8443',
    };
    expect([...query]).toEqual([
      ['resource', resources[identifier] ?? identifier],
      ['rel', RELATION],
    ]);
    const encoded = encodeURIComponent(resources[identifier] ?? identifier);
    const path = `/.well-known/webfinger?resource=${encoded}&rel=${encodeURIComponent(RELATION)}`;
    expect(dispatcher.calls).toEqual([`GET ${origin}${path}`]);
  });

  it('A4 A5 leads to a registration at the issuer that it names', async () => {
    const op = await startProvider({ path: '/x7f3' });
    const issuer = await discoverIssuer(`${op.origin}/alias/test`, HERE);
    expect(issuer).toBe(op.issuer);
    const { client } = await registerClient(issuer, { redirect_uris: ['https://app.test/cb'] });
    expect(client.client_id).toMatch(/^[\w-]{43}$/);
    const asked = op.requests().map(({ path }) => path);
    expect(asked).toEqual(['/.well-known/webfinger', '/x7f3/.well-known/openid-configuration', '/x7f3/register']);
  });

  it('A2 that names an issuer whose metadata is another’s leads nowhere', async () => {
    const op = await startProvider();
    op.discovery((document) => ({ ...document, issuer: `${op.issuer}INVALID` }));
    const issuer = await discoverIssuer(op.origin, HERE);
    const registration = registerClient(issuer, { redirect_uris: ['https://app.test/cb'] });
    expect(await rejection(registration)).toMatchObject({ code: 'ISSUER_MISMATCH' });
    expect(op.count('register')).toBe(0);
  });

  it.each([
    '',
    ' ',
    '=alice',
    '@alice',
    'xri://@alice',
    'acct:alice',
    'acct:alice@',
    'acct:alice@op.test/path',
    'acct:alice@op.test?x=y',
    'https://',
    'https://op .test/',
    'ftp://op.test/',
    'javascript://op.test/%0aalert(1)',
    'http://op.test/',
    'alice@localhost',
    'https://127.0.0.1/',
    '127.0.0.1:8500',
    'acct:alice@169.254.169.254',
    'https://[::1]/',
    'https://192.168.0.1/alice',
  ])('asks nobody about %j', async (identifier) => {
    const { dispatcher } = await onTheInternet();
    expect(await rejection(discoverIssuer(identifier, { dispatcher }))).toMatchObject({
      name: 'DiscoveryError',
      code: 'IDENTIFIER_INVALID',
    });
    expect(dispatcher.calls).toEqual([]);
  });

  it.each<[string, string | undefined]>([
    ['none', undefined],
    ['plain http', 'http://op.test/'],
    ['this machine', 'https://localhost/'],
    ['a private address', 'https://10.0.0.1/'],
    ['another scheme', 'javascript:alert(1)'],
    ['a query', 'https://op.test/?a=b'],
    ['a fragment', 'https://op.test/#a'],
    ['user information', 'https://a@op.test/'],
    ['no URL', 'op.test'],
  ])('takes no issuer that is %s', async (_what, href) => {
    const { op, dispatcher } = await onTheInternet();
    op.answer('webfinger', {
      body: {
        links: [
          { rel: 'other', href: 'https://op.test' },
          { rel: RELATION, href },
        ],
      },
    });
    expect(await rejection(discoverIssuer('op.test', { dispatcher }))).toMatchObject({ code: 'ISSUER_NOT_FOUND' });
    expect(op.count()).toBe(1);
  });

  it.each<[string, Parameters<Awaited<ReturnType<typeof startProvider>>['answer']>[1], string]>([
    ['404', { status: 404 }, 'ISSUER_NOT_FOUND'],
    ['a redirect', { status: 302, headers: { location: 'https://evil.test/' } }, 'UNEXPECTED_REDIRECT'],
    ['a page', { headers: { 'content-type': 'text/html' }, body: '<html>' }, 'UNEXPECTED_CONTENT_TYPE'],
    ['no JSON', { headers: { 'content-type': 'application/json' }, body: '{' }, 'INVALID_JSON'],
    ['links of another form', { body: { links: 'https://op.test' } }, 'ISSUER_NOT_FOUND'],
    ['an answer without end', { body: { x: 'x'.repeat(600_000) } }, 'RESPONSE_TOO_LARGE'],
  ])('fails with %s', async (_what, answer, code) => {
    const { op, dispatcher } = await onTheInternet();
    op.answer('webfinger', answer);
    expect(await rejection(discoverIssuer('op.test', { dispatcher }))).toMatchObject({ name: 'DiscoveryError', code });
    expect(op.count()).toBe(1);
  });

  it('asks the host that a URL reads in the identifier, or nobody', async () => {
    const { op, dispatcher } = await onTheInternet();
    op.answer('webfinger', { status: 404 });
    const part = fc.constantFrom(
      'op.test',
      'evil.test',
      'acct:',
      'https://',
      'http://',
      '@',
      '/',
      '\\\\',
      '#',
      '?',
      ':',
      '%40',
      ' ',
      'a',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), async (parts) => {
        dispatcher.calls.length = 0;
        const error = await rejection(discoverIssuer(parts.join(''), { dispatcher, http: { timeout: 200 } }));
        expect(error).toMatchObject({ name: expect.stringMatching(/^(Discovery|Transport)Error$/) });
        for (const call of dispatcher.calls) {
          expect(call).toMatch(/^GET https:\/\/[^/?#@\\]+\/\.well-known\/webfinger\?resource=[^&]+&rel=[^&]+$/);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('has the limits of the caller', async () => {
    const { op, dispatcher } = await onTheInternet();
    op.answer('webfinger', 'hang');
    const late = discoverIssuer('op.test', { dispatcher, http: { timeout: 50 } });
    expect(await rejection(late)).toMatchObject({ code: 'UPSTREAM_TIMEOUT' });
    const wrong = discoverIssuer('op.test', { dispatcher, http: { timeout: 0 } });
    expect(await rejection(wrong)).toMatchObject({ code: 'INVALID_CONFIG', member: 'http.timeout' });
  });
});
