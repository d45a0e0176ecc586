import { describe, expect, it } from '@jest/globals';
import * as v from 'valibot';

import { MemoryStore } from '../../lib/storage/memory-store.js';
import { SealedStore } from '../../lib/storage/sealed-store.js';
import { Sealer } from '../../lib/storage/sealer.js';

const T = 1_800_000_000_000;

function stores() {
  const time = { now: T };
  const now = () => time.now;
  const memory = new MemoryStore({ now });
  const of = (name: string, secret = 's') =>
    new SealedStore(memory, new Sealer([secret.repeat(32)]), now, { name, schema: v.object({ of: v.string() }) });
  return { time, memory, pears: of('pear'), plums: of('plum'), of };
}

describe('a sealed store', () => {
  it('gives back a value with its end, until then', async () => {
    const { time, pears } = stores();
    await pears.set('a', { of: 'alice' }, T + 1000);
    expect(await pears.get('a')).toEqual({ value: { of: 'alice' }, expiresAt: T + 1000 });
    time.now = T + 1000;
    expect(await pears.get('a')).toBeUndefined();
  });

  it('keeps nothing in clear', async () => {
    const { memory, pears } = stores();
    await pears.set('a', { of: 'alice' }, T + 1000);
    const sealed = memory.get('pear:a');
    expect(sealed).toMatch(/^[\w-]{50,}$/);
    expect(Buffer.from(sealed ?? '', 'base64url').toString('latin1')).not.toContain('alice');
  });

  it.each(['under another key', 'of another kind', 'of another secret', 'of another shape', 'that is forged'])(
    'gives no value %s',
    async (which) => {
      const { memory, pears, plums, of } = stores();
      await plums.set('a', { of: 'alice' }, T + 1000);
      await pears.set('b', { of: 'bob' }, T + 1000);
      await of('pear', 'x').set('c', { of: 'carol' }, T + 1000);
      const sealer = new Sealer(['s'.repeat(32)]);
      const values: Record<string, string | undefined> = {
        'under another key': memory.get('pear:b'),
        'of another kind': memory.get('plum:a'),
        'of another secret': memory.get('pear:c'),
        'of another shape': sealer.seal('pear', 'a', { name: 'alice' }, T + 1000),
        'that is forged': 'x'.repeat(80),
      };
      memory.set('pear:a', sealer.seal('pear', 'a', { of: 'alice' }, T + 1000), 1000);
      expect(await pears.get('a')).toMatchObject({ value: { of: 'alice' } });
      memory.set('pear:a', values[which] ?? '', 1000);
      expect(await pears.get('a')).toBeUndefined();
    },
  );

  it('gives a value that is taken once', async () => {
    const { pears } = stores();
    await pears.set('a', { of: 'alice' }, T + 1000);
    expect(await pears.take('a')).toMatchObject({ value: { of: 'alice' } });
    expect(await pears.take('a')).toBeUndefined();
  });

  it('deletes a value only where it is the one that is meant', async () => {
    const { pears } = stores();
    await pears.set('a', { of: 'alice' }, T + 1000);
    await pears.deleteIf('a', (value) => value.of === 'bob');
    expect(await pears.get('a')).toMatchObject({ value: { of: 'alice' } });
    await pears.deleteIf('a', (value) => value.of === 'alice');
    expect(await pears.get('a')).toBeUndefined();
  });
});
