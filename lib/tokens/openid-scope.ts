/** Scope of an authentication: with `openid` in it, added where it lacks it (OpenID Connect Core 1.0, section 3.1.2.1). */
export function withOpenid(scope = 'openid'): string {
  return scope.split(' ').includes('openid') ? scope : `openid ${scope}`;
}
