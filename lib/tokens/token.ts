import { ConfigError } from '../errors/errors.js';

/** @throws {ConfigError} a caller without types passed something else, such as the whole of a verified token */
export function requireToken(token: string): void {
  if (typeof token !== 'string' || token === '') {
    const problem = 'must be a token as text, such as the value of a VerifiedAccessToken';
    throw new ConfigError('INVALID_CONFIG', 'token', problem);
  }
}
