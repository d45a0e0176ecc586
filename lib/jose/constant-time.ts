import { timingSafeEqual } from 'node:crypto';

/** Compares two texts in constant time: only their lengths can be told from it. */
export function equalInConstantTime(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
