import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

const kinds: Readonly<Partial<Record<string, string>>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  record: 'an object',
  object: 'an object',
};

/** What a shape refused, in words that a person understands without the schema: what is allowed there. */
export function reasonOf(issue: Issue): string {
  if (issue.code === 'too_small' || issue.code === 'too_big') return boundOf(issue);
  if (issue.code === 'invalid_type')
    return isAbsent(issue) ? 'it is missing' : `it must be ${kinds[issue.expected] ?? issue.expected}`;
  if (issue.code === 'invalid_value')
    return `it must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_union') return 'it has none of the forms that are taken here';
  return issue.code === 'unrecognized_keys' ? `it has no ${issue.keys.join(', ')}` : issue.message;
}

/** The library says of an absent value only in its own words that it is absent. */
const isAbsent = ({ message }: Issue): boolean => message.endsWith('received undefined');

type Bound = Extract<Issue, { code: 'too_small' | 'too_big' }>;

/** 1 is the least length of what must not be empty. */
function boundOf(bound: Bound): string {
  const isLeast = bound.code === 'too_small';
  const words = isLeast ? `at least ${String(bound.minimum)}` : `at most ${String(bound.maximum)}`;
  const isList = bound.origin === 'array' || bound.origin === 'set';
  if (!isList && bound.origin !== 'string') return `it must be ${words}`;
  if (isLeast && bound.minimum === 1) return 'it must not be empty';
  return `${words} ${isList ? 'entries' : 'characters'} are taken`;
}
