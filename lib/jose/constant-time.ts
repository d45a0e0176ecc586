import { timingSafeEqual } from 'node:crypto';

/** Whether two texts are equal, in a time that tells nothing but their lengths. */
export function equalInConstantTime(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
