import type { IncomingMessage } from 'node:http';

/** Bytes of a form of ours; none has more. */
const LONGEST = 8192;

/** The fields of a form; undefined: it is larger than any of ours. */
export async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LONGEST) {
      return undefined;
    }
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
