/** A challenge: how a server wants a request to authenticate (RFC 9110, section 11.3). */
export interface Challenge {
  /** In lower case: `bearer`, `dpop`. */
  readonly scheme: string;
  /** The credentials of a scheme that has no parameters. */
  readonly token68: string | undefined;
  /** By their names in lower case. Of two with one name the first counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** The grammar of RFC 9110, sections 5.6.2, 5.6.4, 11.2 and 11.4. Each is matched at one place of the text. */
const SEPARATORS = /[ \t,]*/y;
const SCHEME = /[\w!#$%&'*+.^`|~-]+(?=[ \t,]|$)/y;
const TOKEN68 = /[ \t]+([\w.~+/-]+=*)[ \t]*(?=,|$)/y;
const PARAMETER = /([\w!#$%&'*+.^`|~-]+)[ \t]*=[ \t]*(?:([\w!#$%&'*+.^`|~-]+)(?=[ \t,]|$)|"((?:[^"\\]|\\.)*)")/y;

/**
 * The challenges of `WWW-Authenticate` (RFC 9110, section 11.6.1): several in one line, or in several lines.
 *
 * A comma ends a parameter or a challenge, and which of both shows only behind it. Some servers leave commas out between
 * parameters: those are read all the same. What follows a mistake is not read.
 *
 * @param header its lines
 */
export function challengesIn(header: string | readonly string[] | undefined): readonly Challenge[] {
  return [header ?? []].flat().flatMap(challengesOf);
}

function challengesOf(line: string): readonly Challenge[] {
  const found: Challenge[] = [];
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(line) ?? undefined;
    at += match?.[0].length ?? 0;
    return match;
  };
  next(SEPARATORS);
  for (let scheme = next(SCHEME); scheme !== undefined; scheme = next(SCHEME)) {
    const token68 = next(TOKEN68)?.[1];
    const parameters = new Map<string, string>();
    next(SEPARATORS);
    for (let parameter = next(PARAMETER); parameter !== undefined; parameter = next(PARAMETER)) {
      const [, name = '', token, quoted = ''] = parameter;
      if (!parameters.has(name.toLowerCase())) {
        parameters.set(name.toLowerCase(), token ?? quoted.replace(/\\(.)/g, '$1'));
      }
      next(SEPARATORS);
    }
    found.push({ scheme: scheme[0].toLowerCase(), token68, parameters });
  }
  return found;
}
