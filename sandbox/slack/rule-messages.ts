import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

function limitMessage(issue: Issue): string | undefined {
  if (issue.code === 'too_big') {
    return issue.origin === 'string'
      ? `must be less than ${Number(issue.maximum) + 1} characters`
      : issue.origin === 'array'
        ? `no more than ${issue.maximum} items allowed`
        : `must be at most ${issue.maximum}`;
  }
  if (issue.code === 'too_small') {
    return issue.origin === 'string'
      ? `must be more than ${Number(issue.minimum) - 1} characters`
      : issue.origin === 'array'
        ? `no less than ${issue.minimum} items allowed`
        : `must be at least ${issue.minimum}`;
  }
  return undefined;
}

function shapeMessage(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `missing required field: ${String(issue.path.at(-1) ?? '')}`
        : `must provide a ${issue.expected}`;
    case 'unrecognized_keys':
      return `invalid additional property: ${issue.keys.join(', ')}`;
    case 'invalid_union':
      return 'unsupported type';
    case 'invalid_value':
      return 'must be a valid enum value';
    case 'invalid_format':
      return 'invalid_url';
    case 'too_big':
    case 'too_small':
    case 'not_multiple_of':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return issue.message;
    default:
      return 'is not valid';
  }
}

/**
 * Words a broken rule as Slack does in `response_metadata.messages`, so that a message seen here is
 * recognised in production and the other way round.
 * @param root the JSON pointer of what was checked, for instance `/blocks`.
 */
export function toRuleMessage(issue: Issue, root: string): string {
  const pointer = [root, ...issue.path.map(String)].join('/');
  return `[ERROR] ${limitMessage(issue) ?? shapeMessage(issue)} [json-pointer:${pointer}]`;
}
