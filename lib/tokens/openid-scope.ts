/** Whether a scope asks for an authentication, and so for an ID token (OpenID Connect Core 1.0, section 3.1.2.1). */
export function hasOpenid(scope: string): boolean {
  return scope.split(' ').includes('openid');
}

/** Scope of an authentication: with `openid` in it, added where it lacks it. */
export function withOpenid(scope = 'openid'): string {
  return hasOpenid(scope) ? scope : `openid ${scope}`;
}
