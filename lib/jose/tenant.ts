import type { JsonObject } from '../values/json.js';

/**
 * Placeholder of the tenant in an issuer's name. Entra ID publishes it for all tenants together
 * (https://learn.microsoft.com/en-us/entra/identity-platform/access-tokens#validate-the-issuer).
 */
const PLACEHOLDER = '{tenantid}';

const TENANT_ID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;

/** Whether a value is a tenant's id: a GUID. */
export function isTenantId(value: unknown): value is string {
  return typeof value === 'string' && TENANT_ID.test(value);
}

/** Whether an issuer's name is a template: each tenant has a name of its own. */
export function isTemplate(issuer: string): boolean {
  return issuer.includes(PLACEHOLDER);
}

/** The name of an issuer beside these claims: a template has their `tid` in it; undefined where that is no tenant. */
export function issuerBeside(issuer: string, { tid }: JsonObject): string | undefined {
  if (!isTemplate(issuer)) {
    return issuer;
  }
  return isTenantId(tid) ? issuer.replace(PLACEHOLDER, tid) : undefined;
}

/** Whether a template was made of this issuer: it differs in one segment of the path, such as `common`. */
export function isTemplateOf(template: string, issuer: string): boolean {
  const segment = differingSegment(template, issuer);
  return segment?.theirs === PLACEHOLDER && !isTenantId(segment.ours);
}

/** Whether a name may be an issuer's for one of its tenants: it differs in one segment, and has a tenant's id there. */
export function isOfTenant(name: string, issuer: string): boolean {
  return isTenantId(differingSegment(name, issuer)?.theirs);
}

/** The one segment of the path in which two names differ; undefined where they differ elsewhere, or nowhere. */
function differingSegment(name: string, issuer: string): { theirs: string; ours: string } | undefined {
  const ours = issuer.split('/');
  const theirs = name.split('/');
  const [first, ...others] = theirs.flatMap((segment, index) => (segment === ours[index] ? [] : [index]));
  const isInPath = first !== undefined && first > 2 && others.length === 0 && theirs.length === ours.length;
  return isInPath ? { theirs: theirs[first] ?? '', ours: ours[first] ?? '' } : undefined;
}
