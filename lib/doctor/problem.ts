import { printable } from '../errors/log-line.js';
import type { OidcErrorCode } from '../errors/codes.js';
import { OidcError } from '../errors/oidc.error.js';
import type { Finding } from '../metadata/finding.js';
import type { Line } from './report.js';

/** The line of an error: its message, what was seen and wanted, and the same of its cause. Errors hold no secret. */
export function problemOf(error: OidcError): Line {
  return { level: 'problem', text: textOf(error), code: error.code };
}

/** What the codes of Node, of OpenSSL and of undici mean, and what helps. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nobody listens there.',
  ENOTFOUND: 'Its host name does not resolve.',
  EAI_AGAIN: 'Names can not be resolved here at the moment.',
  EHOSTUNREACH: 'No route leads there.',
  ENETUNREACH: 'No route leads there.',
  ECONNRESET: 'The connection was reset.',
  UND_ERR_SOCKET: 'The connection was closed.',
  UND_ERR_CONNECT_TIMEOUT: 'No connection came about in time: a firewall may drop it.',
  UND_ERR_HEADERS_OVERFLOW: 'Its headers are longer than Node reads.',
  HTTPParserError: 'Something else listens there.',
  CERT_HAS_EXPIRED: 'Its certificate has expired.',
  CERT_NOT_YET_VALID: 'Its certificate is not valid yet.',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'Its certificate is self-signed. Name it in NODE_EXTRA_CA_CERTS if it is to be trusted.',
  SELF_SIGNED_CERT_IN_CHAIN:
    'Nobody here knows who signed its certificate. Name that authority in NODE_EXTRA_CA_CERTS.',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'Nobody here knows who signed its certificate. Name that authority in NODE_EXTRA_CA_CERTS.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'It does not send its intermediate certificates, or their authority is not trusted here.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Its certificate is of another host.',
  ERR_SSL_WRONG_VERSION_NUMBER: 'It speaks no TLS at this port.',
};

/** What to do about an error whose sentence says only what happened. */
const ADVICE: Readonly<Partial<Record<OidcErrorCode, string>>> = {
  CLIENT_MISCONFIGURED: 'Compare client_id, client_secret and the authentication method with what is registered.',
  ISSUER_MISMATCH: 'Write issuer as your server publishes it, letter by letter: a slash at the end counts.',
  TOKEN_INACTIVE: 'It has expired or was revoked, or the server does not tell this client about it.',
};

function textOf({ code, message, facts, cause }: OidcError): string {
  const seen = Object.entries(facts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${printable(String(value))}`);
  const { reason } = facts;
  const why = typeof reason === 'string' && Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
  const said = seen.length === 0 ? message : `${message} (${seen.join(', ')})`;
  const text = [said, why, ADVICE[code]].filter((sentence) => sentence !== undefined).join(' ');
  return cause instanceof OidcError ? `${text} ${cause.code}: ${textOf(cause)}` : text;
}

/** The line of a finding. */
export function findingLine({ member, problem, rule, code }: Finding): Line {
  return { level: 'problem', text: `${member} ${problem} (${rule})`, code };
}

/** Runs a part of the examination. @returns its lines, or that of the error that ended it */
export async function examined(part: () => Promise<readonly Line[]> | readonly Line[]): Promise<readonly Line[]> {
  try {
    return await part();
  } catch (error) {
    if (error instanceof OidcError) {
      return [problemOf(error)];
    }
    throw error;
  }
}
