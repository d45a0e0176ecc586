import { ConfigError } from '../errors/errors.js';

/**
 * Guards a token argument against callers without types, who may pass the whole of a verified token.
 *
 * @throws {ConfigError} it is no text, or an empty one
 */
export function requireTokenText(token: string): void {
  if (typeof token !== 'string' || token === '') {
    const problem = 'must be a token as text, such as the value of a VerifiedAccessToken';
    throw new ConfigError('INVALID_CONFIG', 'token', problem);
  }
}
