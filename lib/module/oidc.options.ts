import type { FactoryProvider, ModuleMetadata, Provider, Type } from '@nestjs/common';
import * as v from 'valibot';

import { ConfigError } from '../errors/errors.js';
import { httpOptionsSchema, type HttpOptions } from '../http/http.options.js';
import { isTemplateOf } from '../jose/tenant.js';
import { loginOptionsSchema, type LoginOptions } from '../login/login.options.js';
import type { ClientMetadata } from '../metadata/client-metadata.js';
import type { DiscoveryDocument } from '../metadata/discovery.js';
import { throwFirst } from '../metadata/finding.js';
import { isSecure, serverOptionsSchema, trustedServerSchema } from '../metadata/metadata.options.js';
import { OPTION_RULES } from '../metadata/profiled-options.js';
import { parseClientMetadata, type RegisteredClient } from '../metadata/registered-client.js';
import {
  profileFindings,
  SECURITY_PROFILE_NAMES,
  securityProfile,
  type SecurityProfile,
  type SecurityProfileName,
} from '../metadata/security-profiles.js';
import type { ServerMetadata } from '../metadata/server-metadata.js';
import type { Tenants } from '../metadata/tenants.js';
import {
  profiledSettings,
  resourceServerOptionsSchema,
  type ResourceServerOptions,
  type ResourceServerSettings,
  type TrustedIssuerOptions,
} from '../resource-server/resource-server.options.js';
import { sessionOptionsSchema, type SessionOptions } from '../session/session.options.js';
import type { OidcStore } from '../storage/oidc-store.js';
import { member } from '../values/member.js';
import { plainJson } from '../values/plain-json.js';
import { validate } from '../values/validate.js';
import { routesOptionsSchema, type RoutesOptions } from './routes.options.js';

/** One client at one authorization server. */
export interface OidcModuleOptions {
  /** The issuer identifier: https, or http on a loopback host. */
  issuer: string;
  /**
   * The address under which this process reaches the issuer, where that is not the public one: a container's name, a
   * cluster's service. The metadata and each endpoint below the issuer that we call are called there. Browsers are sent
   * to the public one, and all checks are of the issuer.
   */
  backchannelUrl?: string;
  /**
   * Which tenants are taken, where the issuer stands for many (Entra ID: `common`, `organizations`): their ids, or a
   * function that is asked about the tenant of each token that is good otherwise. What it throws is answered with 503.
   */
  tenants?: Tenants;
  /** The client as it is registered there. */
  client: ClientMetadata;
  /** Server metadata that overrides the discovered members. With `issuer` in it there is no discovery. */
  server?: Partial<ServerMetadata>;
  discovery?: {
    /** When the metadata is loaded. Default `first-use`; `boot` stops the boot if the server is down or does not fit. */
    when?: 'first-use' | 'boot';
    /** The discovery document. Default `openid-configuration`. */
    document?: DiscoveryDocument;
    /** Where the document is, if it is not where the issuer says. Its `issuer` must still be ours. */
    url?: string;
  };
  /** Allows plain http to a server that is not on this machine. Default false. */
  insecureHttp?: boolean;
  /**
   * A security profile that everything has to keep: FAPI 2.0 Security Profile, the same with Message Signing, or FAPI 1.0
   * Advanced. It sets what it can, and the boot stops where the client, an option or the server breaks it. Default none.
   */
  profile?: SecurityProfileName;
  http?: HttpOptions;
  login?: LoginOptions;
  /** Required by `OidcLoginGuard` and `OidcSessionGuard`. */
  session?: SessionOptions;
  /** Mounts login, callback, logout and the user below the application's prefix. Default: none. */
  routes?: RoutesOptions;
  /** Required by `OidcGuard`. */
  resourceServer?: ResourceServerOptions;
  /**
   * Store that replicas share: sessions, logins that began, introspections and used DPoP proofs. Without one each
   * process keeps its own, and sessions are in cookies.
   */
  store?: OidcStore;
  /**
   * Starts a provider in this process that lets everybody in, as Alice or as Bob, where nothing listens at the issuer yet.
   * The issuer has to be plain http on this machine, such as `http://127.0.0.1:4000`; any other issuer is left alone. It
   * needs the package `oidc-provider`. Default false; it stops the boot where `NODE_ENV` is set to anything but `development`
   * or `test`.
   *
   * Whoever listens at the issuer first gets the client's `client_secret`: make one up for development, never a real one.
   */
  development?: boolean;
}

/** Members of a module's registration beside the options. */
export interface OidcModuleExtras {
  /** The client's name, if there are several; left out for the only or the default one. */
  name?: string;
  /** Default true, so that guards can be used in every module. */
  isGlobal?: boolean;
  /** Modules with providers for this one, such as a clock or the dependencies of the application's strategy. */
  imports?: ModuleMetadata['imports'];
  /** `OIDC_CLOCK`, `OIDC_CLOCK_SKEW`, `OIDC_CLOCK_TOLERANCE`, `OIDC_DISPATCHER`, `{ provide: OidcStrategy, useClass }`. */
  providers?: Provider[];
}

/** Interface of a class for `useClass` or `useExisting`: returns the options. */
export interface OidcOptionsFactory {
  createOidcOptions(): OidcModuleOptions | Promise<OidcModuleOptions>;
}

/** Exactly one of `useFactory`, `useClass` and `useExisting`. */
export interface OidcModuleAsyncOptions extends OidcModuleExtras {
  useFactory?: FactoryProvider<OidcModuleOptions | Promise<OidcModuleOptions>>['useFactory'];
  inject?: FactoryProvider['inject'];
  useClass?: Type<OidcOptionsFactory>;
  useExisting?: Type<OidcOptionsFactory>;
}

const optionsSchema = v.strictObject({
  ...serverOptionsSchema,
  profile: v.optional(v.picklist(SECURITY_PROFILE_NAMES)),
  client: v.custom<ClientMetadata>(
    (value) => typeof value === 'object' && value !== null,
    'must be the client metadata',
  ),
  http: v.optional(httpOptionsSchema, {}),
  login: v.optional(loginOptionsSchema, {}),
  session: v.optional(sessionOptionsSchema),
  routes: v.optional(routesOptionsSchema),
  resourceServer: v.optional(resourceServerOptionsSchema),
  store: v.optional(v.custom<OidcStore>(isStore, 'must be an OidcStore, such as new RedisStore(client)')),
  development: v.optional(
    v.pipe(
      v.boolean(),
      v.check((isOn) => !isOn || isDevelopment(), 'needs NODE_ENV to be development or test, or not set'),
    ),
    false,
  ),
});

/** Whether the environment is known to be none that others use: there are many names for production. */
function isDevelopment(): boolean {
  return ['', 'development', 'test'].includes((process.env['NODE_ENV'] ?? '').trim().toLowerCase());
}

function isStore(value: unknown): boolean {
  const calls = ['get', 'set', 'delete', 'claim', 'take', 'replace', 'add', 'members', 'remove'];
  return calls.every((call) => typeof member(value, call) === 'function');
}

/** The parsed options: complete, checked, secrets wrapped. */
export type ParsedOptions = Omit<
  v.InferOutput<typeof optionsSchema>,
  'client' | 'server' | 'profile' | 'resourceServer'
> & {
  readonly client: RegisteredClient;
  readonly profile: SecurityProfile | undefined;
  readonly resourceServer?: ResourceServerSettings | undefined;
  readonly server: Partial<ServerMetadata>;
};

/** Where a server is. */
export type TrustedServer = v.InferOutput<typeof trustedServerSchema>;

/** Members that belong beside the factory. In its result they would have no effect. */
const EXTRAS: readonly (keyof OidcModuleExtras)[] = ['name', 'isGlobal', 'imports', 'providers'];

/** Checks a factory's result. @throws {ConfigError} no options object, or it has members that belong beside the factory */
export function requireReturned<T>(options: T, by: 'useFactory' | 'useClass' | 'useExisting'): T {
  if (typeof options !== 'object' || options === null) {
    const problem = options === undefined ? 'returned nothing' : 'must return an object of options';
    throw new ConfigError('INVALID_CONFIG', by === 'useFactory' ? by : 'createOidcOptions', problem);
  }
  const extra = EXTRAS.find((member) => member in options);
  if (extra !== undefined) {
    throw new ConfigError('INVALID_CONFIG', extra, `belongs beside ${by}, not into what it returns`);
  }
  return options;
}

/**
 * Reads the options once, at boot.
 *
 * @throws {ConfigError} names the first wrong member, never its value
 */
export function parseOptions(options: OidcModuleOptions): ParsedOptions {
  const parsed = validate(optionsSchema, options, '');
  const { insecureHttp, resourceServer } = parsed;
  const profile = securityProfile(parsed.profile);
  requireSecureServer(parsed, insecureHttp);
  requireSecure(resourceServer?.resource, 'resourceServer.resource', insecureHttp);
  if (Array.isArray(resourceServer?.issuers)) {
    resourceServer.issuers.forEach((trusted, index) => requireListedIssuer(trusted, index, insecureHttp, profile));
  }
  const complete = {
    ...parsed,
    client: parseClientMetadata(parsed.client, profile),
    profile,
    server: serverOverrides(options.server, parsed.issuer),
    resourceServer: resourceServer && {
      ...resourceServer,
      metadata: plainJson(resourceServer.metadata ?? {}, 'resourceServer.metadata'),
    },
  };
  throwFirst(profileFindings(OPTION_RULES, complete, profile));
  return profile === undefined || complete.resourceServer === undefined
    ? complete
    : { ...complete, resourceServer: profiledSettings(complete.resourceServer, profile) };
}

/** Reads `server`. @throws {ConfigError} a member is no JSON, or it is the metadata of another issuer */
export function serverOverrides(server: Partial<ServerMetadata> | undefined, issuer: string): Partial<ServerMetadata> {
  const overrides = plainJson(validate(serverOptionsSchema.server, server, 'server'), 'server');
  const { issuer: own = issuer } = overrides;
  if (own !== issuer && !(typeof own === 'string' && isTemplateOf(own, issuer))) {
    throw new ConfigError('INVALID_CONFIG', 'server.issuer', 'must be the issuer, letter by letter');
  }
  return overrides;
}

/** @throws {ConfigError} it would be reached without TLS */
function requireSecureServer({ issuer, backchannelUrl, discovery }: TrustedServer, insecureHttp: boolean): void {
  requireSecure(issuer, 'issuer', insecureHttp);
  requireSecure(backchannelUrl, 'backchannelUrl', insecureHttp);
  requireSecure(discovery?.url, 'discovery.url', insecureHttp);
}

/**
 * Checks what is said of another issuer, beside the client there.
 *
 * @throws {ConfigError} it is reached without TLS, or another member is wrong
 */
export function parseTrustedServer(trusted: TrustedIssuerOptions, insecureHttp: boolean): TrustedServer {
  const server = validate(trustedServerSchema, trusted, '');
  requireSecureServer(server, insecureHttp);
  return server;
}

/** Checks a trusted issuer: one of a list at boot, with its index in errors; a resolver's when it is resolved. */
function requireListedIssuer(
  trusted: TrustedIssuerOptions,
  index: number,
  insecureHttp: boolean,
  profile: SecurityProfile | undefined,
): void {
  const { client, server } = trusted;
  try {
    parseTrustedServer(trusted, insecureHttp);
    if (client !== undefined) {
      parseClientMetadata(validate(optionsSchema.entries.client, client, 'client'), profile);
    }
    serverOverrides(server, trusted.issuer);
  } catch (error) {
    throw error instanceof ConfigError ? error.within(`resourceServer.issuers.${index}`) : error;
  }
}

function requireSecure(identifier: string | undefined, member: string, insecureHttp: boolean): void {
  if (identifier !== undefined && !isSecure(identifier, insecureHttp)) {
    throw new ConfigError(
      'INVALID_CONFIG',
      member,
      'must be https: plain http to another machine needs insecureHttp: true',
    );
  }
}
