/** Back channel: the address under which a server is reached from here, where that is not its public one. */
export interface Backchannel {
  /** The issuer: the address that the server has for everybody. */
  readonly issuer: string;
  /** The address that it has from here, such as the name of a container. */
  readonly url: string;
}

/** The URL that is called in place of a published one: what lies below the issuer is below the other address here. */
export function calledUrl(published: string, { issuer, url }: Backchannel): string {
  const base = withoutSlash(issuer);
  const rest = published.slice(base.length);
  return published.startsWith(base) && /^(?:[/?]|$)/.test(rest) ? withoutSlash(url) + rest : published;
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '');
}
