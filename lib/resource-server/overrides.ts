import type { ModulesContainer } from '@nestjs/core';

import { readInstead, type Authenticated } from '../nest/authenticated.js';
import { authenticates } from '../nest/authenticating-guard.js';
import { member } from '../values/member.js';
import type { Target } from './handlers.js';
import { VerifiedAccessToken } from './verified-access-token.js';

/** The module that `Test.createTestingModule` makes around the others: nothing is overridden without it. */
const TEST_ROOT = 'RootTestModule';

/** What a test put in the place of our guards, by `overrideProvider` or `overrideGuard`. */
export function overridesOf(modules: ModulesContainer): readonly unknown[] {
  const all = [...modules.values()];
  if (!all.some(({ metatype }) => metatype.name === TEST_ROOT)) {
    return [];
  }
  return all
    .flatMap(({ providers, injectables }) => [...providers, ...injectables])
    .filter(([token, { metatype }]) => authenticates(token) && metatype !== token)
    .map(([, { instance }]): unknown => instance);
}

/** Lets parameter decorators give what those left on the request: they record nothing as our guards do. */
export function readOverrides(controllers: readonly Target[], overrides: readonly unknown[]): void {
  const read = overrides.length > 0 ? leftOnRequest : undefined;
  controllers.forEach((controller) => readInstead(controller, read));
}

function leftOnRequest(request: object): Authenticated {
  const user = member(request, 'user');
  return { user, token: user instanceof VerifiedAccessToken ? user : undefined };
}
