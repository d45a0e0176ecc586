import { resembling } from '../values/resembling.js';
import { clientMetadataSchema } from './client-metadata.schema.js';
import type { Finding } from './finding.js';

const KNOWN_MEMBERS = Object.keys(clientMetadataSchema.entries);

/** The finding with the member that was probably meant, where the one that is missing has another spelling. */
export function spelled<Found extends Finding>(found: Found, client: object): Found {
  const missing = KNOWN_MEMBERS.find((known) => found.member === `client.${known}` && !(known in client));
  const written = Object.keys(client).find(
    (member) => !KNOWN_MEMBERS.includes(member) && resembling(member, KNOWN_MEMBERS) === missing,
  );
  return missing === undefined || written === undefined
    ? found
    : { ...found, problem: `${found.problem}: write ${missing}, not ${written}` };
}

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
