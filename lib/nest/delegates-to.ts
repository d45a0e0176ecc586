import type { CanActivate, ExecutionContext, Type } from '@nestjs/common';

import { withdrawRefusal } from './authenticated.js';
import { Authenticates, credentialsOf } from './authenticating-guard.js';
import { callOf } from './call.js';

const DELEGATES = Symbol('nestjs-oidc: delegates');

/**
 * Class decorator of a guard that asks other guards and lets a call pass that one of them admits: what is below it counts as
 * protected by them, and what a guard that refused has set on the answer (`WWW-Authenticate`, `Cache-Control`) is taken back
 * when the call passes.
 *
 * The guards must be injected; at boot it is checked that they are.
 *
 * ```ts
 * @Injectable()
 * @DelegatesTo(OidcSessionGuard, OidcGuard)
 * export class SessionOrTokenGuard implements CanActivate {
 *   constructor(
 *     private readonly session: OidcSessionGuard,
 *     private readonly token: OidcGuard,
 *   ) {}
 *
 *   canActivate(context: ExecutionContext) {
 *     try {
 *       return this.session.canActivate(context);
 *     } catch {
 *       return this.token.canActivate(context);
 *     }
 *   }
 * }
 * ```
 */
export function DelegatesTo(...guards: readonly Type<CanActivate>[]): (guard: Type<CanActivate>) => void {
  return (guard) => {
    Reflect.defineMetadata(DELEGATES, guards, guard);
    Authenticates(...guards.flatMap(credentialsOf))(guard);
    withdrawWhenAdmitted(guard.prototype);
  };
}

/** The guards that a guard's class delegates to. */
export function delegatesOf(guard: object): readonly Type<CanActivate>[] {
  return Reflect.getMetadata(DELEGATES, guard) ?? [];
}

/** Whoever admitted the call, be it no guard of ours. */
function withdrawWhenAdmitted(guard: CanActivate): void {
  const { canActivate } = guard;
  guard.canActivate = function (this: CanActivate, context: ExecutionContext) {
    const settle = (isAdmitted: boolean): boolean => {
      if (isAdmitted) {
        withdrawRefusal(callOf(context));
      }
      return isAdmitted;
    };
    const answer = canActivate.call(this, context);
    return typeof answer === 'boolean' ? settle(answer) : ('then' in answer ? answer : last(answer)).then(settle);
  };
}

/** What Nest takes for the answer of an `Observable`. */
async function last(answers: { forEach(next: (answer: boolean) => void): Promise<void> }): Promise<boolean> {
  let latest = false;
  await answers.forEach((answer) => {
    latest = answer;
  });
  return latest;
}
