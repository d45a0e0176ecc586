import type { ExecutionContext } from '@nestjs/common';

import { admitAnonymous, authenticate, type Authenticated } from './authenticated.js';
import { callOf, kindOf, requestOf } from './call.js';

/**
 * Records that a call passes without a caller. An earlier guard's caller stays.
 *
 * @param looked what the guard may find, each member `undefined`
 */
export function admitNobody(context: ExecutionContext, looked: Authenticated): void {
  if (kindOf(context) === 'ws') {
    // A socket outlives the call: drop the user and token of an earlier message.
    authenticate(callOf(context), looked, requestOf(context));
  } else {
    admitAnonymous(callOf(context), looked);
  }
}
