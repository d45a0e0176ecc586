import type { ExecutionContext } from '@nestjs/common';

import { decisions, type GuardDecision } from '../events/channels.js';
import { kindOf } from './call.js';

/** Publishes a guard's decision. Callers ask {@link decisions} for subscribers first where a call must cost nothing. */
export function publishDecision(
  guard: object,
  context: ExecutionContext,
  decision: Pick<GuardDecision, 'client_id' | 'outcome' | 'code'>,
): void {
  if (decisions.hasSubscribers) {
    const route = `${context.getClass().name}.${context.getHandler().name}`;
    decisions.publish({ guard: guard.constructor.name, call: kindOf(context), route, ...decision });
  }
}
