import { responseTypeOf } from './response-type.js';

/** The way of a response through the browser: in the query, in the fragment, or as a form that it posts. */
export type Delivery = 'query' | 'fragment' | 'form_post';

interface Mode {
  /** Undefined: that of the response type. */
  readonly delivery: Delivery | undefined;
  /** Whether the parameters are the claims of one JWT. */
  readonly isJwt: boolean;
}

/**
 * Response modes, a row each (OAuth 2.0 Multiple Response Type Encoding Practices, section 2.1; OAuth 2.0 Form Post Response
 * Mode, section 2; JARM, section 2.3).
 */
export const RESPONSE_MODES = {
  query: { delivery: 'query', isJwt: false },
  fragment: { delivery: 'fragment', isJwt: false },
  form_post: { delivery: 'form_post', isJwt: false },
  jwt: { delivery: undefined, isJwt: true },
  'query.jwt': { delivery: 'query', isJwt: true },
  'fragment.jwt': { delivery: 'fragment', isJwt: true },
  'form_post.jwt': { delivery: 'form_post', isJwt: true },
} as const satisfies Record<string, Mode>;

/** How the provider answers an authorization request. */
export type ResponseMode = keyof typeof RESPONSE_MODES;

export const RESPONSE_MODE_NAMES: readonly ResponseMode[] = Object.keys(RESPONSE_MODES).filter(isResponseMode);

function isResponseMode(name: string): name is ResponseMode {
  return Object.hasOwn(RESPONSE_MODES, name);
}

/** Whether the response comes as one JWT (JARM). */
export function isJarm(mode: ResponseMode): boolean {
  return RESPONSE_MODES[mode].isJwt;
}

/** How a response comes. */
export function deliveryOf(type: string, mode: ResponseMode): Delivery {
  return RESPONSE_MODES[mode].delivery ?? responseTypeOf(type)?.mode ?? 'fragment';
}
