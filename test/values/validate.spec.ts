import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import * as v from 'valibot';

import { problemsIn, validate } from '../../lib/values/validate.js';

const inner = v.strictObject({ algorithms: v.optional(v.array(v.pipe(v.string(), v.nonEmpty()))), maxAge: v.number() });

const schema = v.strictObject({
  texts: v.optional(v.array(v.string())),
  filled: v.optional(v.pipe(v.array(v.pipe(v.string(), v.regex(/^a/))), v.nonEmpty())),
  objects: v.optional(v.pipe(v.array(v.record(v.string(), v.unknown())), v.readonly())),
  anything: v.optional(v.array(v.custom<string>((value) => value === 'x'))),
  room: v.optional(inner),
  rooms: v.optional(v.array(inner)),
  either: v.optional(
    v.pipe(
      v.union([v.literal(true), v.looseObject({})], 'must be true, or an object'),
      v.transform((value) => (value === true ? {} : value)),
      v.strictObject({ login: v.optional(v.string()), callback: v.optional(v.string()) }),
    ),
  ),
  flag: v.optional(v.boolean()),
  when: v.optional(v.picklist(['boot', 'first-use'])),
  mixed: v.optional(v.union([v.string(), v.array(v.string())])),
  own: v.optional(v.array(v.string(), 'must be a list of names')),
  call: v.optional(v.function()),
});

const problem = (value: unknown) => {
  const [{ member, problem: text } = { member: '', problem: '' }] = problemsIn(schema, value, '');
  return `${member}: ${text}`;
};

describe('what is wrong with an option, in words', () => {
  it.each<[unknown, string]>([
    [{ texts: 'a' }, 'texts: must be a list of texts'],
    [{ filled: {} }, 'filled: must be a list of texts'],
    [{ objects: 'a' }, 'objects: must be a list of objects'],
    [{ anything: 'a' }, 'anything: must be a list'],
    [{ room: 5 }, 'room: must be an object'],
    [{ room: { algorithms: 'ES256', maxAge: 1 } }, 'room.algorithms: must be a list of texts'],
    [{ room: { maxAge: '1' } }, 'room.maxAge: must be a number'],
    [{ rooms: [{ maxAge: 1 }, 'a'] }, 'rooms.1: must be an object'],
    [{ rooms: {} }, 'rooms: must be a list of objects'],
    [{ objects: ['a'] }, 'objects.0: must be an object'],
    [{ texts: [7] }, 'texts.0: must be a text'],
    [{ flag: 'yes' }, 'flag: must be true or false'],
    [{ when: 'later' }, 'when: must be "boot" or "first-use"'],
    [{ mixed: 7 }, 'mixed: must be a text or a list'],
    [{ own: 'a' }, 'own: must be a list of names'],
    [{ call: 'a' }, 'call: must be a function'],
    [{ either: 'a' }, 'either: must be true, or an object'],
    [{ room: {} }, 'room.maxAge: is required'],
    ['a', ': must be an object'],
  ])('%j', (value, expected) => {
    expect(problem(value)).toBe(expected);
  });

  it.each<[unknown, string]>([
    [{ text: [] }, 'text: there is no such option, did you mean texts?'],
    [{ Flag: true }, 'Flag: there is no such option, did you mean flag?'],
    [{ room: { max_age: 1, maxAge: 1 } }, 'room.max_age: there is no such option, did you mean maxAge?'],
    [{ rooms: [{ maxAge: 1, algoritms: [] }] }, 'rooms.0.algoritms: there is no such option, did you mean algorithms?'],
    [{ either: { logn: '/in' } }, 'either.logn: there is no such option, did you mean login?'],
    [{ introspect: 1 }, 'introspect: there is no such option'],
    [{ constructor: 1 }, 'constructor: there is no such option'],
  ])('%j', (value, expected) => {
    expect(problem(value)).toBe(expected);
  });

  it('never repeats a value, and never fails at a strange name', () => {
    const secret = 'a-secret-that-must-not-be-printed';
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.constantFrom(secret, [secret], { [secret]: secret })), (value) => {
        const problems = problemsIn(schema, value, 'options').map(({ problem: text }) => text);
        expect(problems.join('\n')).not.toContain(secret);
      }),
    );
  });

  it('names the first wrong option in the error', () => {
    expect(() => validate(schema, { texts: 'a' }, 'client')).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: 'client.texts: must be a list of texts' }),
    );
  });
});
