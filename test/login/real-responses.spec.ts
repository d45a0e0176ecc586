import { describe, expect, it } from '@jest/globals';

import type { ClientMetadata, OidcModuleOptions } from '../../lib/index.js';
import { createApp } from '../support/app/apps.js';
import { Browser } from '../support/browser/browser.js';
import { closeLater } from '../support/closing.js';
import { RealProvider } from '../support/provider/real-provider.js';

type Login = NonNullable<OidcModuleOptions['login']>;

/** A login at another implementation. @returns where it ends, and who is signed in */
async function logInFor(client: Partial<ClientMetadata>, login: Login) {
  const op = closeLater(await RealProvider.start('localhost'));
  const app = await createApp({
    adapter: 'express',
    op,
    publicUrl: 'https://app.test',
    client: { ...RealProvider.SIGNED, ...client },
    options: { login },
  });
  const browser = new Browser(app);
  const answer = await op.startLogin(browser, { sub: 'bob', returnTo: '/me' });
  const callback = await browser.finishLogin(answer);
  return { answer, callback, me: (await browser.get('/me')).json() };
}

const TYPES = ['code', 'id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];

describe('at another implementation', () => {
  it.each(TYPES.flatMap((type) => [undefined, 'form_post'].map((mode) => [type, mode] as const)))(
    'C1 C2 logs in with %s by %s',
    async (type, responseMode) => {
      const client = { response_types: [type], ...grantsOf(type) };
      const { callback, me } = await logInFor(client, { ...(responseMode === 'form_post' && { responseMode }) });
      expect(callback.target).toBe('https://app.test/me');
      expect(me).toMatchObject({ user: { sub: 'bob' } });
    },
  );

  it.each(
    ['code', 'code id_token', 'id_token token'].flatMap((type) =>
      (['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'] as const)
        .filter((mode) => type === 'code' || mode !== 'query.jwt')
        .map((mode) => [type, mode] as const),
    ),
  )('C8 JARM-01 logs in with %s by %s', async (type, responseMode) => {
    const client = { response_types: [type], ...grantsOf(type), authorization_signed_response_alg: 'ES256' };
    const { answer, callback, me } = await logInFor(client, { responseMode });
    const sent = answer.target === undefined ? answer.body : answer.location;
    expect(sent).toMatch(/\bresponse(=|"\s+value=")ey/);
    expect(sent).not.toMatch(/\b(code|id_token)(=|"\s+value=")/);
    expect(callback.target).toBe('https://app.test/me');
    expect(me).toMatchObject({ user: { sub: 'bob' } });
  });
});

function grantsOf(type: string): { readonly grant_types: readonly string[] } {
  const words = type.split(' ');
  return {
    grant_types: [
      ...(words.includes('code') ? ['authorization_code'] : []),
      ...(words.includes('token') || words.includes('id_token') ? ['implicit'] : []),
    ],
  };
}
