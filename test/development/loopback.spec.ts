import { describe, expect, it } from '@jest/globals';

import { DevelopmentServer } from '../../lib/development/development-server.js';
import { loopbackAddresses } from '../../lib/development/loopback.js';

import { closeLater } from '../support/closing.js';
import { isListening } from '../support/ports.js';
import { DevelopmentIssuer } from '../support/provider/development.js';

describe('the addresses of a provider for development', () => {
  it('listens at the addresses of a name that the machine has', async () => {
    const origin = new URL((await DevelopmentIssuer.free('localhost')).issuer);
    const server = new DevelopmentServer(origin);
    closeLater(server);
    expect(await server.listen(['192.0.2.1', '127.0.0.1'])).toBe(true);
    expect(await isListening(Number(origin.port))).toBe(true);
    await expect(new DevelopmentServer(origin).listen(['192.0.2.1'])).rejects.toMatchObject({
      message: `development: can't listen at ${origin.origin} (EADDRNOTAVAIL)`,
    });
  });

  it.each([
    ['http://localhost', ['127.0.0.1'], ['127.0.0.1', '::1']],
    ['http://localhost', ['::1', '127.0.0.1'], ['::1', '127.0.0.1']],
    ['http://op.localhost', ['127.0.0.2'], ['127.0.0.2', '127.0.0.1', '::1']],
    ['http://127.0.0.2', ['127.0.0.2'], ['127.0.0.2']],
    ['http://[::1]', ['::1'], ['::1']],
  ])('knows the addresses of %s, which is found at %j', async (origin, found, expected) => {
    const look = async () => found.map((address) => ({ address }));
    expect(await loopbackAddresses(new URL(origin), look)).toEqual(expected);
  });

  it('listens nowhere for a name that leads elsewhere too', async () => {
    const look = async () => [{ address: '127.0.0.1' }, { address: '192.0.2.1' }];
    await expect(loopbackAddresses(new URL('http://op.localhost'), look)).rejects.toMatchObject({
      code: 'ENOTLOOPBACK',
    });
  });
});
