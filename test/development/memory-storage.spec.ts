import { describe, expect, it } from '@jest/globals';

import { MemoryStorage } from '../../lib/development/memory-storage.js';

const storage = (): MemoryStorage => new MemoryStorage(async () => undefined);

describe('storage in memory', () => {
  it.each(['Interaction', 'Session', 'PushedAuthorizationRequest', 'DeviceCode'])(
    'keeps tokens however many entries of the kind %s strangers make',
    async (kind) => {
      const kinds = storage();
      const adapter = (kind: string) => kinds.adapter(kind);
      await adapter('AccessToken').upsert('token', { accountId: 'alice' }, 3600);
      await adapter('RefreshToken').upsert('token', { accountId: 'bob' }, 3600);
      const flooded = adapter(kind);
      for (let count = 0; count < 21_000; count += 1) {
        await flooded.upsert(`id-${count}`, {}, 3600);
      }
      expect(await adapter('AccessToken').find('token')).toMatchObject({ accountId: 'alice' });
      expect(await adapter('RefreshToken').find('token')).toMatchObject({ accountId: 'bob' });
      expect(await flooded.find('id-20999')).toEqual({});
      expect(await flooded.find('id-19999')).toBeUndefined();
    },
  );

  it('keeps the kinds apart, whatever the identifiers', async () => {
    const kinds = storage();
    const adapter = (kind: string) => kinds.adapter(kind);
    await adapter('Session').upsert('one', { uid: 'u', grantId: 'g' }, 60);
    await adapter('AccessToken').upsert('one', { uid: 'u', grantId: 'g' }, 60);
    await adapter('AccessToken').upsert('two', { grantId: 'other' }, 60);
    expect(await adapter('Session').findByUid('u')).toEqual({ uid: 'u', grantId: 'g' });
    expect(await adapter('Grant').findByUid('u')).toBeUndefined();
    await adapter('AccessToken').revokeByGrantId('g');
    expect(await adapter('AccessToken').find('one')).toBeUndefined();
    expect(await adapter('AccessToken').find('two')).toEqual({ grantId: 'other' });
    expect(await adapter('Session').find('one')).toEqual({ uid: 'u', grantId: 'g' });
  });
});
