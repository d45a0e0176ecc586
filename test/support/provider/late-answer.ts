import type { HostileProvider } from './hostile-provider.js';

/** An answer that the provider has made and holds back. */
export interface LateAnswer {
  /** What it says is settled; whatever changes now is not in it. */
  readonly isMade: Promise<void>;
  send(): void;
}

/** Holds the next answer of an endpoint back once it is made. */
export function lateAnswer(op: HostileProvider, endpoint: Parameters<HostileProvider['answer']>[0]): LateAnswer {
  let send: () => void = () => undefined;
  const isSent = new Promise<void>((resolve) => (send = resolve));
  let make: () => void = () => undefined;
  const isMade = new Promise<void>((resolve) => (make = resolve));
  op.answer(
    endpoint,
    async (_request, next) => {
      const answer = await next();
      make();
      await isSent;
      return answer;
    },
    { times: 1 },
  );
  return { isMade, send };
}
