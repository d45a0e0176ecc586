import { expect, it } from '@jest/globals';

import { clientOf, loginWith, rejection } from '../support/client/client.js';
import { startProvider } from '../support/provider/provider.js';

it('CLOCK-06 a clock that is set back ends the time for which a server asked to be left alone', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  op.answer('introspect', { status: 429, headers: { 'retry-after': '5' } }, { times: 1 });
  const token = op.issue();
  expect(await rejection(oidc.introspect(token))).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 5 });
  op.clock.advance(4);
  expect(await rejection(oidc.introspect(token))).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 1 });
  expect(op.count('introspect')).toBe(1);
  op.clock.advance(-3600);
  await expect(oidc.introspect(token)).resolves.toMatchObject({ active: true });
});

it('CLOCK-06 CLOCK-07 a jump keeps nobody from logging in', async () => {
  const op = await startProvider();
  const { oidc } = clientOf(op);
  for (const jump of [0, -3600, 86_400, -86_400, 3_155_760_000]) {
    op.clock.advance(jump);
    await expect(loginWith(oidc, op)).resolves.toMatchObject({ idToken: { sub: 'alice' } });
  }
  expect([op.count('discovery'), op.count('jwks')]).toEqual([5, 5]);
});

it('CLOCK-08 tokens of the year 2100 are believed then, and their times kept whole', async () => {
  const op = await startProvider();
  op.clock.advance(4_102_444_800 - op.clock.seconds);
  const { tokens, idToken } = await loginWith(clientOf(op).oidc, op);
  expect([tokens.expires_at, idToken.claims['exp']]).toEqual([4_102_448_400, 4_102_448_400]);
});
