import { expect, it } from '@jest/globals';

import type { OperatorEvent } from '../../lib/events/operator-events.js';
import { operatorToken } from '../../lib/nest/tokens.js';
import { createApp, onBothAdapters } from '../support/app/apps.js';

onBothAdapters((adapter) => {
  it('what an operator sees goes through one port, with what happened', async () => {
    const events: OperatorEvent[] = [];
    const operator = { provide: operatorToken(), useValue: { report: (event: OperatorEvent) => events.push(event) } };
    const app = await createApp({ adapter, extras: { providers: [operator] } });
    const { op } = app;
    expect(events).toContainEqual({
      kind: 'client-started',
      name: undefined,
      issuer: op.issuer,
      client_id: 'rp1',
      registered: { token_endpoint_auth_method: 'client_secret_basic' },
    });
    events.length = 0;
    op.answer('introspect', { status: 503, body: '' });
    await app.call('/orders', 'token');
    await app.call('/orders', 'token');
    const refused = { kind: 'call-refused', guard: 'OidcGuard', call: 'http' };
    expect(events).toEqual([
      { ...refused, error: expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE' }) },
      { ...refused, error: expect.objectContaining({ code: 'UPSTREAM_UNAVAILABLE' }) },
    ]);
    expect(app.logs.filter(({ context }) => context?.startsWith('Oidc'))).toEqual([]);
  });

  it('a client that starts is described by its registered algorithms', async () => {
    const events: OperatorEvent[] = [];
    const operator = { provide: operatorToken(), useValue: { report: (event: OperatorEvent) => events.push(event) } };
    const client = { introspection_signed_response_alg: 'ES256', introspection_encrypted_response_alg: 'dir' };
    await createApp({ adapter, client, extras: { providers: [operator] } });
    expect(events.find(({ kind }) => kind === 'client-started')).toMatchObject({
      registered: {
        introspection_signed_response_alg: 'ES256',
        introspection_encrypted_response_alg: 'dir',
        introspection_encrypted_response_enc: 'A128CBC-HS256',
      },
    });
  });
});
