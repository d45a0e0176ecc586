import type { ModulesContainer } from '@nestjs/core';

import { readInstead, type Authenticated } from '../nest/authenticated.js';
import { authenticates } from '../nest/authenticating-guard.js';
import { member } from '../values/member.js';
import type { Handler } from './handlers.js';
import { VerifiedAccessToken } from '../tokens/verified-access-token.js';

/** The root module of `Test.createTestingModule`. Without it nothing is overridden. */
const TEST_ROOT = 'RootTestModule';

/** Our guards' replacements in an application's test, by `overrideProvider` or `overrideGuard`. */
export function testOverridesOf(modules: ModulesContainer): readonly unknown[] {
  const all = [...modules.values()];
  if (!all.some(({ metatype }) => metatype.name === TEST_ROOT)) {
    return [];
  }
  return all
    .flatMap(({ providers, injectables }) => [...providers, ...injectables])
    .filter(([token, { metatype }]) => authenticates(token) && metatype !== token)
    .map(([, { instance }]): unknown => instance);
}

/** Makes parameter decorators read `request.user` in such a test, because replaced guards record no caller. */
export function readTestOverrides(modules: ModulesContainer, handlers: readonly Handler[]): void {
  const read = testOverridesOf(modules).length > 0 ? leftOnRequest : undefined;
  handlers.forEach(({ controller }) => readInstead(controller, read));
}

function leftOnRequest(request: object): Authenticated {
  const user = member(request, 'user');
  return { user, token: user instanceof VerifiedAccessToken ? user : undefined };
}
