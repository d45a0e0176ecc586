import type { Readable } from 'node:stream';

/**
 * Reads a body up to a limit. Beyond it nothing is held; the rest flows by, unless the caller destroys the stream.
 *
 * Listens to events, because nothing is faster.
 *
 * @param limit bytes
 * @returns undefined: the body is larger
 * @throws what the stream fails with, or an error when it closes before its end
 */
export function readBody(stream: Readable, limit: number): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    let chunks: Uint8Array[] = [];
    let size = 0;
    stream.on('data', (chunk: Uint8Array) => {
      size += chunk.byteLength;
      if (size <= limit) {
        chunks.push(chunk);
      } else {
        chunks = [];
        resolve(undefined);
      }
    });
    stream.on('end', () => {
      const [only] = chunks;
      resolve(only !== undefined && chunks.length === 1 ? only : Buffer.concat(chunks));
    });
    stream.on('error', reject);
    stream.on('close', () => {
      if (!stream.readableEnded) {
        reject(new Error('The body broke off.'));
      }
    });
  });
}

/** More bytes of a body that nobody wants are not read: then a new connection costs less. */
const LONGEST_DISCARDED = 65_536;

/** Milliseconds that it may take: nobody waits for its end, so that nothing else would end it. */
const LONGEST_DISCARDING = 1000;

/** Lets go of a body that nobody reads. A short one is read to its end, so that the next request can use its connection. */
export function discard(stream: Readable): void {
  const end = (): void => void stream.destroy();
  const timer = setTimeout(end, LONGEST_DISCARDING);
  timer.unref();
  readBody(stream, LONGEST_DISCARDED)
    .then((bytes) => bytes === undefined && end(), end)
    .finally(() => clearTimeout(timer));
}
