import { Logger } from '@nestjs/common';

import type { Now } from '../clock/clock.js';
import { SessionError } from '../errors/errors.js';
import { logLine, printable, quoted, troubleOf } from '../errors/log-line.js';
import { OnceInAWhile } from '../events/once-in-a-while.js';
import type { EventKind, OperatorEvent, OperatorPort, RevocationBound } from '../events/operator-events.js';
import { levelOf } from '../resource-server/token-refusal.js';

type Level = 'debug' | 'log' | 'warn' | 'error';

/** A line of the log. */
interface Line {
  readonly context: 'OidcModule' | 'OidcClient' | 'OidcGuard' | 'OidcLoginGuard' | 'OidcStrategy' | 'OidcSession';
  readonly level: Level;
  readonly text: string;
  /** Left out: every repetition is logged. */
  readonly repetition?: Repetition;
}

/** How repetitions of a line within a while are logged. */
interface Repetition {
  /** Lines with the same key are repetitions of each other. */
  readonly of: string;
  readonly level: 'debug' | 'none';
}

const warning = (context: Line['context'], text: string): Line => ({ context, level: 'warn', text });

const silent = (line: Line): Line => ({ ...line, repetition: { of: line.text, level: 'none' } });

const DEVELOPMENT: Readonly<Record<OperatorEvent<'development-provider'>['state'], (issuer: string) => Line>> = {
  started: (issuer) =>
    warning(
      'OidcModule',
      `A provider for development runs at ${issuer} and lets everybody in, as Alice or as Bob. Open it for access tokens.`,
    ),
  joined: (issuer) => ({
    context: 'OidcModule',
    level: 'log',
    text: `The provider for development at ${issuer} knows one client more.`,
  }),
  found: (issuer) =>
    warning('OidcModule', `Something listens at ${issuer} already, and is used: no provider for development starts.`),
  elsewhere: (issuer) =>
    warning(
      'OidcModule',
      `No provider for development starts for ${issuer}: ` +
        'it does so for an issuer on this machine, of plain http and without backchannelUrl.',
    ),
};

const LINES: { readonly [Kind in EventKind]: (event: OperatorEvent<Kind>) => Line } = {
  'client-started': ({ name, issuer, client_id, registered }) => {
    const client = name === undefined ? client_id : `${client_id} (${name})`;
    const members = Object.entries(registered).map((entry) => entry.join(' '));
    return { context: 'OidcModule', level: 'log', text: `Client ${client} of ${issuer}: ${members.join(', ')}` };
  },
  'development-provider': ({ issuer, state }) => DEVELOPMENT[state](issuer),
  // Nest prints only the message of an error at boot, not its facts.
  'boot-failed': ({ error }) => ({ context: 'OidcModule', level: 'error', text: logLine(error) }),
  'suspicious-metadata': ({ problem }) => warning('OidcModule', problem),
  'open-introspection': () =>
    warning(
      'OidcModule',
      'The introspection endpoint is asked without authentication: nobody else may be able to reach it.',
    ),
  'private-key-published': () =>
    warning('OidcModule', 'The server publishes a private key among its public ones; that key is not used.'),
  'forgetful-store': ({ weakness }) => warning('OidcGuard', weakness),
  'freshness-without-cache': ({ handlers }) =>
    warning(
      'OidcGuard',
      `maxAge and staleIfError of @Introspection do nothing on ${handlers.join(', ')}: resourceServer.cache is not set`,
    ),
  'revocation-bounds': ({ bounds }) => ({
    context: 'OidcGuard',
    level: 'log',
    text: `A revoked token passes ${boundsIn(bounds).join('; ')}`,
  }),
  'foreign-callback': ({ redirect_uri, route = 'something that is no controller' }) =>
    warning('OidcLoginGuard', `${redirect_uri} is answered by ${route}, and not under OidcLoginGuard.`),
  'login-missing': ({ method, path }) =>
    warning(
      'OidcLoginGuard',
      'OidcSessionGuard or OidcAnyGuard is in use, and no route logs in: without a session everybody gets 401. Set ' +
        `routes: true, or write a controller under OidcLoginGuard that answers ${method} ${path}.`,
    ),
  'insecure-cookies': ({ hosts }) =>
    warning(
      'OidcLoginGuard',
      `The redirect URI is http: cookies are not Secure at ${hosts.join(', ')}. For development only.`,
    ),
  'login-without-nonce': () =>
    warning(
      'OidcLoginGuard',
      'login.nonce is unsupported: only PKCE keeps a stolen code out of another login. The provider has to check it.',
    ),
  // A stranger writes what host they like.
  'login-relocated': ({ seen, origin }) => ({
    ...warning(
      'OidcLoginGuard',
      `A login began at ${quoted(seen)}, which is in no redirect URI, and was sent to ${origin}: cookies are not found ` +
        'from one host at another. Link to that host, or register a redirect URI for this one.',
    ),
    repetition: { of: 'login-relocated', level: 'debug' },
  }),
  'host-rewritten': ({ seen, origin }) => ({
    ...warning(
      'OidcLoginGuard',
      `Logins at ${origin} come with the host ${quoted(seen)}: a proxy writes it, so that each takes one redirect more. ` +
        'Let it pass Host on (nginx: proxy_set_header Host $host), or X-Forwarded-Host to an application that trusts it.',
    ),
    repetition: { of: 'host-rewritten', level: 'debug' },
  }),
  'weak-cookies': ({ weaknesses }) => warning('OidcSession', `session.cookie: ${weaknesses.join('; ')}.`),
  'irrevocable-sessions': () =>
    warning(
      'OidcSession',
      'Sessions are in cookies alone: a copied cookie works after the logout, until the session ends. A `store` ends it.',
    ),
  'large-cookies': ({ bytes, cookies }) =>
    warning(
      'OidcLoginGuard',
      `The answer to a login sets ${bytes} bytes of cookies (${cookies.join(', ')}). nginx takes 4 KB of headers and makes ` +
        'it a 502. Keep sessions in a `store`, or less in them (`session.tokens: false`), or raise proxy_buffer_size.',
    ),
  // Rate-limited, because anybody can make their own logins fail.
  'login-refused': ({ error, trouble, isOurFault }) => ({
    context: 'OidcStrategy',
    level: isOurFault ? 'error' : 'warn',
    text: `Login refused: ${logLine(error)}`,
    repetition: { of: `login ${trouble}`, level: 'debug' },
  }),
  // A link may choose what a login asks for.
  'granted-less': ({ missing }) => ({
    context: 'OidcStrategy',
    level: 'warn',
    text: `The provider granted less than a login asked for: ${missing.map(printable).join(', ')}`,
    repetition: { of: `granted less ${missing.join(', ')}`, level: 'debug' },
  }),
  'refresh-failed': ({ error }) => ({
    context: 'OidcSession',
    level: error instanceof SessionError ? 'debug' : 'warn',
    text: `Tokens not refreshed: ${logLine(error)}`,
    repetition: { of: `refresh ${troubleOf(error)}`, level: 'debug' },
  }),
  'logout-refused': ({ error }) => ({
    context: 'OidcSession',
    level: 'warn',
    text: `Logout by the provider refused: ${logLine(error)}`,
    repetition: { of: `logout ${troubleOf(error)}`, level: 'debug' },
  }),
  'rotation-without-store': () =>
    warning(
      'OidcSession',
      'The provider rotates refresh tokens. Several replicas need a store, or one of them spends the token of another.',
    ),
  // Rate-limited, because every call fails during an outage.
  'call-refused': ({ error }) => ({
    context: 'OidcGuard',
    level: levelOf(error),
    text: logLine(error),
    repetition: { of: `call ${troubleOf(error)}`, level: 'debug' },
  }),
  'client-token-failed': ({ error }) => ({
    ...warning('OidcClient', `No new token for the client; the old one is used: ${logLine(error)}`),
    repetition: { of: `client token ${troubleOf(error)}`, level: 'debug' },
  }),
  'client-tokens-not-shared': ({ error }) =>
    silent(warning('OidcClient', `Tokens of the client are not shared at the moment: ${error.code}`)),
  'shared-cache-failed': ({ error }) =>
    silent(warning('OidcGuard', `Introspections are not shared at the moment: ${error?.code ?? 'the store failed'}`)),
  'shared-cache-forged': () =>
    silent(
      warning('OidcGuard', 'The store holds introspections that were not written by this client; they are not used.'),
    ),
};

/** Routes that a line names; an application may have hundreds. */
const MOST_NAMED = 3;

/** Routes with the same bound, the longest first. */
function boundsIn(bounds: readonly RevocationBound[]): readonly string[] {
  const orNever = (seconds = Number.POSITIVE_INFINITY): number => seconds;
  const all = new Set(bounds.map(({ seconds }) => orNever(seconds)));
  return [...all]
    .toSorted((one, other) => other - one)
    .map((bound) => {
      const routes = bounds.filter(({ seconds }) => orNever(seconds) === bound).map(({ route }) => route);
      const names = routes.length > MOST_NAMED ? [...routes.slice(0, MOST_NAMED), '…'] : routes;
      const length = bound === Number.POSITIVE_INFINITY ? 'until its exp' : `for ${bound} s at most`;
      return `${length} at ${routes.length} ${routes.length === 1 ? 'route' : 'routes'} (${names.join(', ')})`;
    });
}

/** An event as a line of the log. */
export function lineOf<Kind extends EventKind>(event: OperatorEvent<Kind>): Line {
  return LINES[event.kind](event);
}

/** Operator log of one client: writes events to Nest's logger. Repetitions are dropped or logged at `debug`. */
export class OperatorLog implements OperatorPort {
  readonly #recent: OnceInAWhile;

  constructor(now: Now) {
    this.#recent = new OnceInAWhile(now);
  }

  report(event: OperatorEvent): void {
    const { context, text, ...line } = lineOf(event);
    const level = this.#levelOf(line);
    if (level !== 'none') {
      LOGGERS[context][level](text);
    }
  }

  #levelOf({ level, repetition }: Pick<Line, 'level' | 'repetition'>): Level | 'none' {
    return repetition === undefined || level === 'debug' || this.#recent.isDue(repetition.of)
      ? level
      : repetition.level;
  }
}

const LOGGERS: Readonly<Record<Line['context'], Logger>> = {
  OidcModule: new Logger('OidcModule'),
  OidcClient: new Logger('OidcClient'),
  OidcGuard: new Logger('OidcGuard'),
  OidcLoginGuard: new Logger('OidcLoginGuard'),
  OidcStrategy: new Logger('OidcStrategy'),
  OidcSession: new Logger('OidcSession'),
};
