import type { HttpRequest } from '../http/request.js';
import { text } from '../values/member.js';
import { formEncodeValue } from './form-encoding.js';

/** Form members that are secrets, could be used like one, or tell of a person. */
const SECRET_MEMBERS: readonly string[] = [
  'access_token',
  'actor_token',
  'assertion',
  'auth_req_id',
  'client_assertion',
  'client_notification_token',
  'client_secret',
  'code',
  'code_verifier',
  'device_code',
  'id_token_hint',
  'login_hint',
  'login_hint_token',
  'nonce',
  'password',
  'refresh_token',
  'request',
  'state',
  'subject_token',
  'token',
  'user_code',
  'username',
];

/** Masks secrets in a text of the server. Some servers repeat in their errors what they were sent. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  const written = secrets.filter((secret) => secret !== '').flatMap(writtenForms);
  // The longest first: another may be a part of it.
  written.sort((one, other) => other.length - one.length);
  return masked(text, written);
}

/** Masks without rescanning masked text, because a secret may occur in the mask itself. */
function masked(text: string, [secret, ...others]: readonly string[]): string {
  return secret === undefined
    ? text
    : text
        .split(secret)
        .map((part) => masked(part, others))
        .join('[secret]');
}

/** The secrets that a request carries, in its form, in a JWT there and in its `Authorization` header. */
export function secretsOf({ body, headers, said = {} }: HttpRequest): readonly string[] {
  const form = [...new URLSearchParams(body)].filter(([name]) => SECRET_MEMBERS.includes(name));
  const inJwt = SECRET_MEMBERS.flatMap((name) => text(said[name]) ?? []);
  const [, credentials = ''] = headers['authorization']?.split(' ') ?? [];
  // RFC 6749, section 2.3.1: the identifier and the secret, form-encoded.
  const [, encoded = ''] = Buffer.from(credentials, 'base64').toString('latin1').split(':');
  const secret = new URLSearchParams(`secret=${encoded}`).get('secret') ?? '';
  return [...form.map(([, value]) => value), ...inJwt, credentials, encoded, secret];
}

/** The forms in which a secret may be repeated: as it is, in JSON, in a URL and in a form. */
function writtenForms(secret: string): readonly string[] {
  const [, inForm = ''] = new URLSearchParams({ secret }).toString().split('=');
  return [secret, JSON.stringify(secret).slice(1, -1), formEncodeValue(secret), inForm];
}
