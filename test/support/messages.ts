import { subscribed } from '../../lib/events/channels.js';
import type { OidcMessages } from '../../lib/index.js';
import { closeLater } from './closing.js';

/** The channels of the package, as `lib/events/README.md` lists them. */
export const CHANNELS = [
  'nestjs-oidc:decision',
  'nestjs-oidc:upstream:start',
  'nestjs-oidc:upstream:end',
  'nestjs-oidc:cache',
  'nestjs-oidc:flight',
  'nestjs-oidc:breaker',
  'nestjs-oidc:audit',
  'nestjs-oidc:operator',
] as const satisfies readonly (keyof OidcMessages)[];

type Listed = (typeof CHANNELS)[number];

/** What was published. */
export interface Published {
  readonly channel: string;
  readonly message: unknown;
}

/** Calls the listener for each message of a channel until the end of the test, or with `keep` of the file. */
export function onPublished<Name extends Listed>(
  name: Name,
  listener: (message: OidcMessages[Name]) => void,
  keep = false,
): void {
  const stop = subscribed(name, listener);
  closeLater({ close: async () => stop() }, keep);
}

/** The messages of some channels in their order, until the end of the test, or with `keep` of the file. Default: of all. */
export function publishedOn(channels: readonly Listed[] = CHANNELS, keep = false): Published[] {
  const published: Published[] = [];
  channels.forEach((channel) => onPublished(channel, (message) => published.push({ channel, message }), keep));
  return published;
}

/** The messages of one channel until the end of the test. */
export function messagesOn<Name extends Listed>(name: Name): OidcMessages[Name][] {
  const messages: OidcMessages[Name][] = [];
  onPublished(name, (message) => messages.push(message));
  return messages;
}
