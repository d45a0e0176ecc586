import type { OnApplicationBootstrap, Type } from '@nestjs/common';

import type { OidcClient } from '../client/oidc-client.js';
import { invalid, throwFirst, type Finding } from '../metadata/finding.js';
import type { MappedRoutes } from '../nest/mapped-routes.js';

/** The registered URIs of mounted routes, beside the callback, by the name of the controller's method. */
const REGISTERED_URIS = [
  ['postLogout', 'postLogout', 'post_logout_redirect_uris'],
  ['backChannelLogout', 'backchannelLogout', 'backchannel_logout_uri'],
  ['frontChannelLogout', 'frontchannelLogout', 'frontchannel_logout_uri'],
  ['backChannelNotification', 'backchannelNotification', 'backchannel_client_notification_endpoint'],
  ['keySet', 'jwks', 'jwks_uri'],
  ['initiate', 'initiate', 'initiate_login_uri'],
] as const;

const OPTIONS = 'nestjs-oidc, session options';

/** Checks at boot that the registered URIs lead to the mounted routes, and that what needs a mounted login has one. */
export class MountedRoutesCheck implements OnApplicationBootstrap {
  constructor(
    private readonly controller: Type,
    private readonly mapped: MappedRoutes,
    private readonly metadata: OidcClient['metadata'],
    private readonly isLoginNeeded: boolean,
  ) {}

  /** @throws {ConfigError} a URI leads somewhere else, or no login is mounted */
  onApplicationBootstrap(): void {
    if (this.mapped.areServed) {
      throwFirst([...REGISTERED_URIS.flatMap((row) => this.#findings(row)), ...this.#missingLogin()]);
    }
  }

  #missingLogin(): readonly Finding[] {
    return this.isLoginNeeded && this.mapped.pathOf(this.controller, 'login') === undefined
      ? [invalid({ member: 'session.silentLogin', problem: 'needs the mounted login (routes.login)' }, OPTIONS)]
      : [];
  }

  #findings([method, route, member]: (typeof REGISTERED_URIS)[number]): readonly Finding[] {
    const path = this.mapped.pathOf(this.controller, method);
    const uris = [this.metadata[member] ?? []].flat().filter((uri) => member !== 'jwks_uri' || this.#isOwn(uri));
    // Behind a proxy that cuts a prefix off, the registered path is longer.
    if (path === undefined || uris.every((uri) => new URL(uri).pathname.endsWith(path))) {
      return [];
    }
    const problem = `must lead to the mounted route ${path} (routes.${route})`;
    return [invalid({ member: `client.${member}`, problem }, 'RFC 7591, section 2')];
  }

  /** Keys may be published elsewhere too. */
  #isOwn(uri: string): boolean {
    return this.metadata.redirect_uris?.some((own) => new URL(own).host === new URL(uri).host) === true;
  }
}
