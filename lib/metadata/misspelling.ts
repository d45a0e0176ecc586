import { resembling } from '../values/resembling.js';
import { clientMetadataSchema } from './client-metadata.schema.js';

const KNOWN_MEMBERS = Object.keys(clientMetadataSchema.entries);

/**
 * Warnings about members that are probably misspelled: their names are nearly those of known ones.
 *
 * A registration may hold any member, so that a misspelled one is kept and does nothing.
 */
export function misspellings(metadata: object): readonly string[] {
  return Object.keys(metadata)
    .filter((member) => !KNOWN_MEMBERS.includes(member))
    .flatMap((member) => {
      const known = resembling(member, KNOWN_MEMBERS);
      return known === undefined ? [] : [`client.${member} is kept and does nothing: did you mean ${known}?`];
    });
}
