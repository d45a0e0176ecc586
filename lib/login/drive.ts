import type { ResponseHeader } from '../nest/answer.js';
import type { OidcStrategy } from './oidc.strategy.js';

/** How a strategy ended, and what the answer must carry either way. */
export type Ending = { readonly headers: readonly ResponseHeader[] } & (
  { readonly location: string } | { readonly error: unknown }
);

/**
 * Runs a strategy once, as Passport does: on an object of its own, because the strategy is shared by all requests, and
 * until one of its endings is called.
 */
export function drive(strategy: OidcStrategy, request: unknown): Promise<Ending> {
  return new Promise((resolve) => {
    let headers: readonly ResponseHeader[] = [];
    const attempt: OidcStrategy = Object.create(strategy);
    const endings = {
      deliver: (_request: unknown, delivered: readonly ResponseHeader[]) => {
        headers = delivered;
      },
      startsSession: () => true,
      success: (_user: unknown, { returnTo }: { readonly returnTo: string }) =>
        resolve({ headers, location: returnTo }),
      redirect: (location: string) => resolve({ headers, location }),
      error: (error: unknown) => resolve({ headers, error }),
      // Ours has no such endings; an application's own `authenticate` may.
      fail: () => resolve({ headers, error: new Error('The strategy failed without saying why') }),
      pass: () => resolve({ headers, error: new Error('A login can not be passed over') }),
    };
    Object.assign(attempt, endings);
    attempt.authenticate(request).catch(endings.error);
  });
}
