import fc from 'fast-check';
import * as v from 'valibot';

type AnySchema = v.GenericSchema;

/** How values are generated for schemas that do not say of what they are: custom ones, and those of a certain form. */
export type Generators = ReadonlyMap<AnySchema, fc.Arbitrary<unknown>>;

/**
 * Values that a schema takes, each optional member now present, now absent. A new member is generated without a change of the
 * test; one of a kind that is not known here fails it.
 */
export function generated<Schema extends AnySchema>(
  schema: Schema,
  own: Generators = new Map(),
): fc.Arbitrary<v.InferInput<Schema>> {
  return arbitraryOf(schema, own) as fc.Arbitrary<v.InferInput<Schema>>;
}

function arbitraryOf(schema: AnySchema, own: Generators): fc.Arbitrary<unknown> {
  const given = own.get(schema);
  if (given !== undefined) {
    return given;
  }
  switch (schema.type) {
    case 'string':
      return fc.string({ maxLength: 20 });
    case 'number':
      return fc.integer();
    case 'boolean':
      return fc.boolean();
    case 'custom':
      return fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), fc.string({ maxLength: 20 }), { noNullPrototype: true });
  }
  if (isOf<{ options: string[] }>(schema, 'picklist')) {
    return fc.constantFrom(...schema.options);
  }
  if (isOf<{ literal: unknown }>(schema, 'literal')) {
    return fc.constant(schema.literal);
  }
  if (isOf<{ options: AnySchema[] }>(schema, 'union')) {
    return fc.oneof(...schema.options.map((option) => arbitraryOf(option, own)));
  }
  if (isOf<{ wrapped: AnySchema }>(schema, 'optional', 'exact_optional')) {
    return arbitraryOf(schema.wrapped, own);
  }
  if (isOf<{ item: AnySchema }>(schema, 'array')) {
    return fc.array(arbitraryOf(schema.item, own), { maxLength: 3 });
  }
  if (isOf<{ value: AnySchema }>(schema, 'record')) {
    // A record drops this name, as all that could change an object's prototype.
    const name = fc.stringMatching(/^[a-z]{1,9}$/).filter((text) => text !== 'prototype');
    return fc.dictionary(name, arbitraryOf(schema.value, own), { noNullPrototype: true });
  }
  if (isOf<{ entries: Record<string, AnySchema> }>(schema, 'object', 'strict_object')) {
    const entries = Object.entries(schema.entries);
    const requiredKeys = entries.filter(([, { type }]) => !type.endsWith('optional')).map(([name]) => name);
    return fc.record(Object.fromEntries(entries.map(([name, entry]) => [name, arbitraryOf(entry, own)])), {
      requiredKeys,
      noNullPrototype: true,
    });
  }
  throw new Error(`No values are known for a schema of type ${schema.type}`);
}

function isOf<Details>(schema: AnySchema, ...types: readonly string[]): schema is AnySchema & Details {
  return types.includes(schema.type);
}
