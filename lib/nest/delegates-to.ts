import type { CanActivate, ExecutionContext, Type } from '@nestjs/common';

import { withdrawRefusal } from './authenticated.js';
import { Authenticates, credentialsOf } from './authenticating-guard.js';
import { callOf } from './call.js';

const DELEGATES = Symbol('nestjs-oidc: delegates');

/**
 * Class decorator of a guard that asks other guards, and lets a call pass that one of them admits. At boot, its handlers count
 * as protected by those guards. When the call passes, the headers of a guard that refused (`WWW-Authenticate`,
 * `Cache-Control`) are removed.
 *
 * The guards must be injected. This is checked at boot.
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
 *   async canActivate(context: ExecutionContext) {
 *     try {
 *       return await this.session.canActivate(context);
 *     } catch {
 *       return await this.token.canActivate(context);
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

/** The guards that a guard's class delegates to; empty without the decorator. */
export function delegatesOf(guard: object): readonly Type<CanActivate>[] {
  return Reflect.getMetadata(DELEGATES, guard) ?? [];
}

/** Removes the headers of refusals from an admitted call. */
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

/** The last value of an `Observable`, which Nest takes for the answer. */
async function last(answers: { forEach(next: (answer: boolean) => void): Promise<void> }): Promise<boolean> {
  let latest = false;
  await answers.forEach((answer) => {
    latest = answer;
  });
  return latest;
}
