import { startProcess } from '../measure.js';

export const memory = {
  id: 'P9',
  what: 'distinct tokens through a cache of 10,000: heap after a collection',
  async run({ scale }) {
    const provider = await startProcess('./provider.js');
    const cache = await startProcess('./caching.js', provider.issuer);
    const most = scale === 1 ? 100_000 : 40_000;
    const empty = await cache.ask(100);
    const full = await cache.ask(10_000);
    const later = await cache.ask(most);
    await cache.stop();
    await provider.stop();
    const megabytes = (bytes) => ({ megabytes: bytes / 2 ** 20 });
    return [
      {
        figures: {
          'after 100': megabytes(empty),
          'after 10,000': { ...megabytes(full), bytes: (full - empty) / 9900 },
          [`after ${most.toLocaleString('en')}`]: megabytes(later),
        },
        goals: [{ name: 'MB more than after 10,000', value: (later - full) / 2 ** 20, most: 1 }],
      },
    ];
  },
};
