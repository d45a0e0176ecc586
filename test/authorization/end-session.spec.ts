import { describe, expect, it } from '@jest/globals';

import { clientOf, rejection } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

describe('the end of a session', () => {
  it('H1 is at the provider, with the ID token, and comes back where that is registered', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op, { metadata: { post_logout_redirect_uris: ['https://app.test/bye'] } });
    const url = new URL(String(await oidc.endSessionUrl({ id_token_hint: 'hint', state: 's' })));
    expect(url.origin + url.pathname).toBe(op.url('end-session'));
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'rp1',
      id_token_hint: 'hint',
      post_logout_redirect_uri: 'https://app.test/bye',
      state: 's',
    });
    const elsewhere = { post_logout_redirect_uri: 'https://evil.test' };
    expect(await rejection(oidc.endSessionUrl(elsewhere))).toMatchObject({ name: 'ConfigError' });
  });

  it('is nowhere, where the provider has no such endpoint', async () => {
    const op = await startProvider();
    const { oidc } = clientOf(op);
    op.discovery(({ end_session_endpoint: _, ...document }) => document);
    expect(await oidc.endSessionUrl()).toBeUndefined();
  });
});
