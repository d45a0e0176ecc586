import { withoutSecrets } from '../authorization-server/sent-secrets.js';
import { ChallengeError } from '../errors/errors.js';
import { challengesIn, type Challenge } from '../http/challenges.js';
import type { StreamedResponse } from '../http/streamed-calls.js';
import { locationOf } from '../values/url.js';
import type { ResourceTokens } from './resource-request.js';

/** The schemes of access tokens (RFC 6750, section 3; RFC 9449, section 7.1). */
const TOKEN_SCHEMES: readonly string[] = ['bearer', 'dpop'];

/** Seconds; longer texts are no `max_age`. */
const SECONDS = /^\d{1,10}$/;

/**
 * The error that the challenge of an API tells of. Undefined: the answer is no refusal, or has no challenge. Beside a success
 * a challenge says only that other credentials may change the answer (RFC 9110, section 11.6.1).
 */
export function challengeError(
  { status, headers }: Pick<StreamedResponse, 'status' | 'headers'>,
  url: URL,
  { access_token }: ResourceTokens,
): ChallengeError | undefined {
  const header = headers['www-authenticate'];
  if (status < 400 || status > 499 || header === undefined) {
    return undefined;
  }
  const challenge = tellingOf(challengesIn(header));
  // Some APIs repeat what they were sent.
  const parameter = (name: string): string | undefined => {
    const value = challenge?.parameters.get(name);
    return value && withoutSecrets(value, [access_token]);
  };
  const maxAge = parameter('max_age') ?? '';
  return new ChallengeError(
    status,
    {
      scheme: challenge?.scheme,
      error: parameter('error'),
      error_description: parameter('error_description'),
      scope: parameter('scope'),
      acr_values: parameter('acr_values'),
      max_age: SECONDS.test(maxAge) ? Number(maxAge) : undefined,
      resource_metadata: parameter('resource_metadata'),
    },
    locationOf(url.href),
  );
}

/** The challenge that counts: of access tokens, and with the reason where one of several has it. */
function tellingOf(challenges: readonly Challenge[]): Challenge | undefined {
  const ours = challenges.filter(({ scheme }) => TOKEN_SCHEMES.includes(scheme));
  return ours.find(({ parameters }) => parameters.has('error')) ?? ours[0] ?? challenges[0];
}
