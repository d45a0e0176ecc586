import { describe, expect, it } from '@jest/globals';

import { Clock } from '../../lib/clock/clock.js';
import { DpopKey } from '../../lib/jose/dpop-key.js';
import { decodeJwt } from '../../lib/testing/provider/keys.js';

describe('the examples of RFC 9449', () => {
  it('section 7.1: a proof for a protected resource has the hash of the token', async () => {
    const key = await DpopKey.generate('ES256');
    const request = {
      method: 'GET',
      url: 'https://resource.example.org/protectedresource',
      accessToken: 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU',
    };
    const proof = await key.proof(request, new Clock(() => 1_562_262_618_000, 0, 0));
    expect(decodeJwt(proof).claims).toEqual({
      jti: expect.stringMatching(/^[\w-]{36}$/),
      htm: 'GET',
      htu: 'https://resource.example.org/protectedresource',
      iat: 1_562_262_618,
      ath: 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo',
    });
  });

  it('section 8.2: a proof for the token endpoint has the nonce, and no hash', async () => {
    const key = await DpopKey.generate('ES256');
    const request = { method: 'POST', url: 'https://server.example.com/token', nonce: 'eyJ7S_zG.eyJH0-Z.HX4w-7v' };
    const proof = await key.proof(request, new Clock(() => 1_562_262_616_000, 0, 0));
    const { header, claims } = decodeJwt(proof);
    expect(claims).toEqual({
      jti: expect.any(String),
      htm: 'POST',
      htu: 'https://server.example.com/token',
      iat: 1_562_262_616,
      nonce: 'eyJ7S_zG.eyJH0-Z.HX4w-7v',
    });
    expect(header).toEqual({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256', x: any43, y: any43 } });
  });
});

const any43 = expect.stringMatching(/^[\w-]{43}$/);
