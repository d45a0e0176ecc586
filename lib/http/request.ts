/** What is asked of a server. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Makes more of them, anew for each sending: what a second try may not repeat. */
  readonly headersOfOneSend?: () => Promise<Readonly<Record<string, string>>>;
  readonly body?: string;
  /**
   * What may be tried a second time within the same deadline. `idempotent`: after a failure of the network or a 5xx;
   * `unanswered`: only when nothing of an answer came; `never`: it is sent once, over a connection that nobody used before.
   */
  readonly retry: 'idempotent' | 'unanswered' | 'never';
  /** Nobody waits for it: it may take longer. */
  readonly background?: boolean;
}
