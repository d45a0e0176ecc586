import { randomBytes } from 'node:crypto';

import type { Server } from '../authorization-server/server.js';
import { OAuthError } from '../errors/errors.js';
import { AUTHENTICATION_METHODS } from '../metadata/authentication-method.js';
import type { ResourceServerSettings } from '../resource-server/resource-server.options.js';
import { introspect } from '../tokens/introspection.js';
import { examined } from './problem.js';
import type { Line } from './report.js';

/**
 * Whether the server takes the client's credentials. They are tried where the API introspects: by a random token that nobody
 * issued, which is answered as inactive.
 */
export async function credentialLines(
  server: Server,
  settings: ResourceServerSettings | undefined,
): Promise<readonly Line[]> {
  const { metadata } = server.client;
  const { needs } = AUTHENTICATION_METHODS[metadata.introspection_endpoint_auth_method];
  if (needs === 'nothing' || (needs === 'certificate' && server.client.fetch === undefined)) {
    return [];
  }
  const isUsed = settings !== undefined && settings.validation !== 'jwt' && server.canIntrospect;
  const { introspection_endpoint } = await server.metadata();
  if (!isUsed || introspection_endpoint === undefined) {
    return [
      note("The client's credentials were not tried: only an introspection tries them, and this API makes none."),
    ];
  }
  return server.transport.openErrors.length > 0
    ? [note("The client's credentials were not tried while the server does not answer.")]
    : examined(() => tried(server, settings));
}

/** @throws {OidcError} what is wrong with the credentials, or with the answer */
async function tried(server: Server, { audience }: ResourceServerSettings): Promise<readonly Line[]> {
  const token = randomBytes(32).toString('base64url');
  try {
    const { active } = await introspect(server, token, { audience: audience === false ? [] : [audience].flat() });
    return active
      ? [{ level: 'problem', text: 'The server says that a token is active which nobody issued.' }]
      : [{ level: 'ok', text: "The server takes the client's credentials." }];
  } catch (error) {
    if (error instanceof OAuthError && error.code === 'OP_ERROR') {
      const refusal = `The server refuses a token that nobody issued by ${error.error}`;
      return [note(`${refusal}: whether it takes the client's credentials can not be told.`)];
    }
    throw error;
  }
}

function note(text: string): Line {
  return { level: 'note', text };
}
