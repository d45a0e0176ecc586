import { VerificationError } from '../errors/errors.js';
import { factOf } from '../errors/oidc.error.js';
import type { IssuerRule } from '../jose/issuer-rule.js';
import { isTemplate, issuerBeside } from '../jose/tenant.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import { requireTenant, type Tenants } from '../metadata/tenants.js';
import { chain, type Awaitable } from '../values/awaitable.js';
import type { JsonObject } from '../values/json.js';

/** What one kind of JWT of a server names as its issuer: a name of the metadata, for a template that of its tenant. */
export class ServerIssuer implements IssuerRule {
  /** @param name the name, or the template, of this kind of JWT */
  constructor(
    private readonly metadata: () => Awaitable<ServerMetadata>,
    private readonly tenants: Tenants | undefined,
    private readonly name: (metadata: ServerMetadata) => string,
  ) {}

  nameFor(claims: JsonObject): Awaitable<string> {
    return chain(this.metadata(), (metadata) => {
      const name = issuerBeside(this.name(metadata), claims);
      if (name === undefined) {
        const facts = { tid: factOf(claims['tid']) };
        throw new VerificationError('CLAIM_INVALID', "The token has no tid that is a tenant's id.", { facts });
      }
      return name;
    });
  }

  async requireTaken({ tid }: JsonObject): Promise<void> {
    const { tenants } = this;
    // That `tid` is text was a part of the name.
    if (tenants !== undefined && isTemplate(this.name(await this.metadata()))) {
      await requireTenant(tenants, String(tid));
    }
  }
}
