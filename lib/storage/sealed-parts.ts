import { SessionError } from '../errors/errors.js';
import type { Opened, Sealer } from './sealer.js';

/** Characters of one cookie's value: browsers keep 4,096 bytes of name, value and attributes (RFC 6265, section 6.1). */
export const MAX_PART_LENGTH = 3800;

/** A stock Node server refuses requests with more than 16 KB of headers. */
export const MAX_PARTS = 3;

const TOO_LARGE =
  'The session does not fit into three cookies. Keep sessions in a store, or less in them (session.tokens, validate).';

/** The label and the name that a value is sealed under. */
export interface SealedPlace {
  readonly label: string;
  readonly name: string;
}

/**
 * Seals a value into as many parts as it needs. Their number is authenticated with the value, so that no part can be
 * left out, added or taken from another value.
 *
 * @throws {SessionError} `SESSION_TOO_LARGE` more than three parts would be needed
 */
export function sealParts(
  sealer: Sealer,
  { label, name }: SealedPlace,
  value: unknown,
  expiresAt: number,
): readonly string[] {
  const whole = sealer.seal(label, nameOf(name, 1), value, expiresAt);
  // The length does not depend on what is authenticated beside the value.
  const count = Math.ceil(whole.length / MAX_PART_LENGTH);
  if (count > MAX_PARTS) {
    throw new SessionError('SESSION_TOO_LARGE', TOO_LARGE);
  }
  return count === 1 ? [whole] : split(sealer.seal(label, nameOf(name, count), value, expiresAt), count);
}

/** Opens a value from its parts, in their order. */
export function openParts(sealer: Sealer, { label, name }: SealedPlace, parts: readonly string[], now: number): Opened {
  return sealer.open(label, nameOf(name, parts.length), parts.join(''), now);
}

function nameOf(name: string, count: number): string {
  return `${name} ${count}`;
}

function split(whole: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) =>
    whole.slice(index * MAX_PART_LENGTH, (index + 1) * MAX_PART_LENGTH),
  );
}
