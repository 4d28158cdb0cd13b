import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import type { Problem } from '../../snapshot/snapshot.ts';
import type { Finding } from '../diagnosis.ts';

/** What could not be read and so is missing from the evidence; nothing where nobody configured it. */
export function unread(
  about: Pick<Finding, 'id' | 'severity' | 'summary'>,
  { kind, summary, fix }: Problem,
): Finding[] {
  if (kind === 'not-configured') return [];
  const evidence = [cleanUntrusted(summary, 300)];
  return [{ ...about, evidence, ...(fix !== undefined && { fix }) }];
}
