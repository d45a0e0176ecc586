import * as v from 'valibot';

/** The name of an audience. A pattern would match nothing, and `azp` in a list would be the name of a client. */
const name = v.pipe(v.string(), v.nonEmpty(), v.excludes('*'), v.notValue('azp'));

/** Schema of {@link TrustedAudiences}. */
export const trustedAudiencesSchema = v.optional(
  v.union([v.literal('azp'), v.array(name)], "must list audiences by their names, or be 'azp', which takes all"),
  [],
);

/**
 * Trusted audiences: what an ID token may name beside the client. A list names them. `azp` takes any, where the ID token says
 * in its `azp` that it was issued to the client.
 */
export type TrustedAudiences = 'azp' | readonly string[];
