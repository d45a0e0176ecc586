import { ResponseError } from '../errors/errors.js';
import { publicKeyOf } from '../jose/jwk.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../values/json.js';
import { isVschars } from '../values/oauth-characters.js';
import { ANY, anyOf, fromDigits, readMembers, wrongMember, type MemberTypes } from '../values/tolerant-reader.js';
import { problemsIn } from '../values/validate.js';
import type { ClientMetadata } from './client-metadata.js';
import { clientMetadataSchema } from './client-metadata.schema.js';
import { registrationRequest } from './registration-request.js';

/** What a server has registered (RFC 7591, section 3.2.1). */
export interface RegisteredMetadata {
  /** The registered metadata with what was asked for beside it, such as private keys: the `client` of the module's options. */
  readonly client: ClientMetadata;
  /** When the secret ends, in seconds since the epoch; undefined: never. */
  readonly client_secret_expires_at: number | undefined;
  /**
   * The members that were asked for and are registered otherwise, or not at all. A server may do so (RFC 7591, section 3.2.1);
   * compare them before you rely on the registration. What is left out of the answer stays in `client` as it was asked for.
   */
  readonly differences: readonly string[];
  /** For the management of the registration (RFC 7592); undefined: the server gave none. */
  readonly management:
    { readonly registration_client_uri: string; readonly registration_access_token: string } | undefined;
}

const CREDENTIAL = { ...ANY, is: (value: JsonValue) => typeof value === 'string' && isVschars(value) };
const isTime = (value: JsonValue): boolean => typeof value === 'number' && value >= 0;
const TIME = { read: fromDigits(13, isTime), is: isTime };

const MEMBER_TYPES: MemberTypes = {
  client_id: CREDENTIAL,
  client_secret: CREDENTIAL,
  client_secret_expires_at: TIME,
  registration_access_token: CREDENTIAL,
  registration_client_uri: CREDENTIAL,
};

/**
 * Reads the answer to a registration, and compares it with what was asked for.
 *
 * @throws {ResponseError} `REGISTRATION_RESPONSE_INVALID`
 */
export function processRegistration(answer: JsonObject, asked: Partial<ClientMetadata>): RegisteredMetadata {
  const members = readMembers(answer, { ...anyOf(Object.keys(answer)), ...MEMBER_TYPES });
  const wrong = members['client_id'] === undefined ? 'client_id' : wrongMember(members, MEMBER_TYPES);
  if (wrong !== undefined) {
    throw invalidRegistration(wrong);
  }
  const {
    client_id_issued_at: _,
    client_secret_expires_at: expires,
    registration_access_token,
    registration_client_uri,
    jwks,
    ...registered
  } = members;
  requireSigned(registered, asked);
  const client = { ...asked, ...registered };
  if (!isClientMetadata(client)) {
    throw invalidRegistration(problemsIn(clientMetadataSchema, client, '')[0]?.member ?? 'client_id');
  }
  return {
    client,
    client_secret_expires_at: typeof expires === 'number' && expires > 0 ? expires : undefined,
    differences: differencesBetween(registrationRequest(asked), { ...registered, jwks }),
    management:
      typeof registration_access_token === 'string' && typeof registration_client_uri === 'string'
        ? { registration_access_token, registration_client_uri }
        : undefined,
  };
}

function isClientMetadata(client: object): client is ClientMetadata {
  return problemsIn(clientMetadataSchema, client, '').length === 0;
}

/** An answer never makes a client take ID tokens that nobody signed. */
function requireSigned({ id_token_signed_response_alg: alg }: JsonObject, asked: Partial<ClientMetadata>): void {
  if (alg === 'none' && asked.id_token_signed_response_alg !== 'none') {
    throw invalidRegistration('id_token_signed_response_alg');
  }
}

/** What a member is that a server leaves out (RFC 7591, section 2; OpenID Connect Dynamic Client Registration 1.0, section 2). */
const DEFAULTS: JsonObject = {
  application_type: 'web',
  grant_types: ['authorization_code'],
  id_token_signed_response_alg: 'RS256',
  response_types: ['code'],
  token_endpoint_auth_method: 'client_secret_basic',
};

function differencesBetween(asked: JsonObject, registered: JsonObject): readonly string[] {
  return Object.keys(asked).filter((name) => {
    const [wanted, got = DEFAULTS[name] ?? false] = [asked[name], registered[name]];
    return name === 'software_statement' ? false : canonical(name, wanted) !== canonical(name, got);
  });
}

/** Lists of which the order says nothing compare as sets: all of them do, and the parts of scopes and response types. */
function canonical(name: string, value: JsonValue | undefined): string {
  if (name === 'jwks') {
    const keys = isJsonObject(value) && Array.isArray(value['keys']) ? value['keys'].filter(isJsonObject) : [];
    return JSON.stringify(keys.map((key) => JSON.stringify(publicKeyOf(key))).toSorted());
  }
  if (name === 'scope') {
    return JSON.stringify(String(value).split(' ').toSorted());
  }
  if (Array.isArray(value)) {
    return JSON.stringify(
      value.map((one) => (typeof one === 'string' ? one.split(' ').toSorted().join(' ') : one)).toSorted(),
    );
  }
  return JSON.stringify(value);
}

/** The error of an answer with a member that is missing or wrong. */
export function invalidRegistration(member: string): ResponseError {
  const message = `The answer to the registration has a wrong or missing member: ${member}.`;
  return new ResponseError('REGISTRATION_RESPONSE_INVALID', message);
}
