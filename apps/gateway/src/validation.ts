import type { z } from 'zod';
import { DomainError, type ErrorCode } from '#contracts/errors.js';

/** A field that is not acceptable. */
interface Issue {
  field: string;
  message: string;
  /** Another JSON type than the field has: the body as a whole is malformed. */
  wrongType: boolean;
}

const inWords: Partial<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  int: 'an integer',
  number: 'an integer',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** The body as the schema reads it. A wrong JSON type is refused before any other fault, then in the order of the fields. */
export function checkedBody<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  return checked(schema, value, (issues) => {
    const first = issues.find((issue) => issue.wrongType) ?? issues[0]!;
    return refusal(first.wrongType ? 'INVALID_BODY' : 'VALIDATION_ERROR', first, issues);
  });
}

/** The query as the schema reads it; `code` is what the surface calls a fault in it. */
export function checkedQuery<S extends z.ZodObject>(schema: S, value: unknown, code: ErrorCode): z.output<S> {
  refuseBrackets(schema, value as object, code);
  return checked(schema, value, (issues) => {
    const given = issues.map((issue) =>
      issue.wrongType ? { ...issue, message: `${issue.field} must be given once` } : issue,
    );
    const first = given[0]!;
    return refusal(first.field === 'cursor' ? 'INVALID_CURSOR' : code, first, given);
  });
}

/** As other frameworks write a list. Passed over like other unknown names, a filter would let everything through. */
function refuseBrackets({ shape }: z.ZodObject, sent: object, code: ErrorCode): void {
  const field = Object.keys(shape).find((name) => `${name}[]` in sent);
  if (!field) return;
  const issue = { field, message: `${field} must be given once, without []`, wrongType: false };
  throw refusal(code, issue, [issue]);
}

function checked<S extends z.ZodType>(schema: S, value: unknown, refuse: (issues: Issue[]) => DomainError) {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw refuse(parsed.error.issues.map(toIssue));
}

const refusal = (code: ErrorCode, { message }: Issue, issues: Issue[]): DomainError =>
  new DomainError(code, message, { issues: issues.map((issue) => ({ field: issue.field, message: issue.message })) });

function toIssue(issue: z.core.$ZodIssue): Issue {
  const field = issue.path.join('.');
  const missing = issue.input === undefined || issue.input === null;
  if (issue.code === 'invalid_type' || (issue.code === 'invalid_value' && typeof issue.input !== 'string')) {
    const expected = issue.code === 'invalid_type' ? issue.expected : 'string';
    const message = missing ? `${field} is required` : `${field} must be ${inWords[expected] ?? expected}`;
    return { field, message, wrongType: !missing };
  }
  return { field, message: `${field} ${issue.message}`, wrongType: false };
}
