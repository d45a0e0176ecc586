import { afterAll, afterEach } from '@jest/globals';

interface Closable {
  close(): Promise<unknown>;
}

const open: { readonly each: Closable[]; readonly all: Closable[] } = { each: [], all: [] };

async function closeAll(closables: Closable[]): Promise<void> {
  for (const closable of closables.splice(0).toReversed()) {
    await closable.close();
  }
}

afterEach(() => closeAll(open.each));
afterAll(() => closeAll(open.all));

/** Closes it at the end of the test, or with `keep` at the end of the file. */
export function closeLater<T extends Closable>(closable: T, keep = false): T {
  open[keep ? 'all' : 'each'].push(closable);
  return closable;
}
