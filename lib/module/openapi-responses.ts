import type { OpenAPIObject } from '@nestjs/swagger';

type Components = NonNullable<OpenAPIObject['components']>;

const BODY = 'OidcError';

function response(
  description: string,
  example: { readonly error: string; readonly error_description: string },
  header?: { readonly name: string; readonly description: string; readonly schema: { readonly type: string } },
): NonNullable<Components['responses']>[string] {
  return {
    description,
    ...(header !== undefined && {
      headers: { [header.name]: { description: header.description, schema: { type: header.schema.type } } },
    }),
    content: { 'application/json': { schema: { $ref: `#/components/schemas/${BODY}` }, example: { ...example } } },
  };
}

/** The body of every refusal. */
export const REFUSAL_SCHEMA: Components['schemas'] = {
  [BODY]: {
    type: 'object',
    required: ['error', 'error_description'],
    properties: {
      error: { type: 'string', description: 'For programs, such as `invalid_token`.' },
      error_description: { type: 'string', description: 'One sentence for people.' },
    },
  },
};

/** The answers of the guards, by status. */
export const REFUSALS = {
  '401': {
    name: 'OidcUnauthorized',
    response: response(
      'Credentials are missing, or not valid here.',
      { error: 'invalid_token', error_description: 'The access token is not valid here.' },
      { name: 'WWW-Authenticate', description: 'A challenge of each accepted scheme.', schema: { type: 'string' } },
    ),
  },
  '403': {
    name: 'OidcForbidden',
    response: response('A scope or a role that is required is missing.', {
      error: 'insufficient_scope',
      error_description: 'The access token was not granted the scope that is required.',
    }),
  },
  '503': {
    name: 'OidcUnavailable',
    response: response(
      'The credentials can not be checked at the moment.',
      { error: 'temporarily_unavailable', error_description: 'The access token can not be checked at the moment.' },
      { name: 'Retry-After', description: 'Seconds after which to call again.', schema: { type: 'integer' } },
    ),
  },
} as const;

export type RefusalStatus = keyof typeof REFUSALS;
