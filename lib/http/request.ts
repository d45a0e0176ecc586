import type { JsonObject } from '../values/json.js';

/** An HTTP request to a server. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  /** Its name for anyone who watches calls: the member of the server's metadata, such as `token_endpoint`. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes more headers for each try. A DPoP proof may not be sent twice (RFC 9449, section 11.1). */
  readonly headersOfOneSend?: () => Promise<Readonly<Record<string, string>>>;
  readonly body?: string;
  /** What its body says in a JWT, where nobody can read it any more: secrets among it must reach no log either. */
  readonly said?: JsonObject | undefined;
  /**
   * When to retry, once and within the same deadline. `idempotent`: after a network failure or a 5xx. `unanswered`: only
   * when no answer began. `never`: it is sent once, over a connection that nothing has been idle on for more than a second.
   */
  readonly retry: 'idempotent' | 'unanswered' | 'never';
  /** Background refresh: uses the longer time-out. */
  readonly background?: boolean;
}
