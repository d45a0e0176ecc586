import type { ResponseErrorCode } from '../errors/codes.js';
import { ResponseError } from '../errors/errors.js';
import type { JsonObject } from '../values/json.js';
import { text } from '../values/member.js';
import { readMembers, wrongMember, type MemberTypes } from '../values/tolerant-reader.js';

/** An answer of the server, and the types of its members. */
export interface AnswerKind {
  /** As an error names it: `token response`. */
  readonly name: string;
  /** Of the error for a member that is missing or of a wrong type. */
  readonly code: ResponseErrorCode;
  readonly types: MemberTypes;
}

/** The members of an answer, each of its type. Members without a type stay as they came. */
export class AnswerMembers {
  readonly json: JsonObject;

  /** @throws {ResponseError} a member is of a wrong type */
  constructor(
    json: JsonObject,
    private readonly kind: AnswerKind,
  ) {
    this.json = readMembers(json, kind.types);
    const wrong = wrongMember(this.json, kind.types);
    if (wrong !== undefined) {
      throw this.wrong(wrong);
    }
  }

  /** @throws {ResponseError} there is no such text */
  text(name: string): string {
    return this.#required(name, this.textIfAny(name));
  }

  textIfAny(name: string): string | undefined {
    return text(this.json[name]);
  }

  /** @throws {ResponseError} there is no such number */
  number(name: string): number {
    return this.#required(name, this.numberIfAny(name));
  }

  numberIfAny(name: string): number | undefined {
    const value = this.json[name];
    return typeof value === 'number' ? value : undefined;
  }

  /** The error of an answer with this member missing or wrong. */
  wrong(name: string): ResponseError {
    const { code, name: answer } = this.kind;
    return new ResponseError(code, `The ${answer} has a wrong or missing member: ${name}.`);
  }

  #required<Value>(name: string, value: Value | undefined): Value {
    if (value === undefined) {
      throw this.wrong(name);
    }
    return value;
  }
}
