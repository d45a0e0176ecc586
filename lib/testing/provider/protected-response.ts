import type { Answer } from './http-answer.js';
import { NO_STORE } from './oauth-answers.js';
import { protect, type KeyFor, type UnsignedJwt } from './signing.js';

/** A response that is JSON or a JWT: that of userinfo or introspection. */
export interface ProtectedResponse {
  /** The JSON, or what the JWT says. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Whether the client registered it, or asked for it. */
  readonly isJwt: boolean;
  /** The media type of the JWT. */
  readonly type: string;
  readonly jwt: (members: ProtectedResponse['members']) => UnsignedJwt;
}

export async function answerWith({ members, isJwt, type, jwt }: ProtectedResponse, keyFor: KeyFor): Promise<Answer> {
  return {
    headers: { ...NO_STORE, 'content-type': isJwt ? type : 'application/json' },
    body: isJwt ? await protect(jwt(members), keyFor) : JSON.stringify(members),
  };
}
