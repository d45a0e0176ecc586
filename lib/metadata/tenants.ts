import * as v from 'valibot';

import { VerificationError } from '../errors/errors.js';
import { resolverFailed } from './resolver-failed.js';
import { isTenantId } from '../jose/tenant.js';

/** Says whether a tenant is taken. Its id comes in lower case, of a token that is good otherwise. */
export type TakesTenant = (tenant: string) => boolean | Promise<boolean>;

/** Which tenants are taken of a server that issues for many: their ids, or who says it about each. */
export type Tenants = readonly string[] | TakesTenant;

const list = v.pipe(
  v.array(v.custom<string>(isTenantId, "must be a tenant's id, a GUID"), 'must be a list or a function'),
  v.nonEmpty('must name a tenant'),
  v.readonly(),
);

const takes = v.custom<TakesTenant>((value) => typeof value === 'function');

/** Schema of the option. */
export const tenantsSchema = v.lazy((value) => (typeof value === 'function' ? takes : list));

/**
 * @param tid of a verified token
 * @throws {VerificationError} `TENANT_REFUSED`
 * @throws {ConfigError} `RESOLVER_FAILED`: the function threw
 */
export async function requireTenant(tenants: Tenants, tid: string): Promise<void> {
  const tenant = tid.toLowerCase();
  if (!(await isTaken(tenants, tenant))) {
    throw new VerificationError('TENANT_REFUSED', 'The token is of a tenant that is not taken.', { facts: { tid } });
  }
}

async function isTaken(tenants: Tenants, tenant: string): Promise<boolean> {
  if (typeof tenants !== 'function') {
    return tenants.some((known) => known.toLowerCase() === tenant);
  }
  try {
    return (await tenants(tenant)) === true;
  } catch (error) {
    throw resolverFailed('tenants', error);
  }
}
