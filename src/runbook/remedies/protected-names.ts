import type { SkipGuard } from './d-stop-blockers/ports.ts';

/** As many bytes as a letter of another script that looks like a Latin one takes at least. */
const leastBytes = 2;

/** Whether a session's application_name is one of these, however it is written. Where that cannot be told, it is. */
export function isNamedAs(application: string, names: readonly string[]): boolean {
  const plain = toPlainName(decodeShown(application));
  const masked = maskedPattern(plain);
  return names.some((name) => {
    const plainName = toPlainName(name);
    if (plainName === '') return application === name;
    return (
      plainName === plain || masked?.test(plainName) === true || toMasked(name) === application
    );
  });
}

/** Why a session of that name is spared, or null; for what a statement of SQL cannot compare. */
export function skipByName(
  application: string,
  { protectedApplications, poolerApplications }: SkipGuard,
): 'protected application' | 'pooler' | null {
  if (isNamedAs(application, protectedApplications)) return 'protected application';
  return isNamedAs(application, poolerApplications) ? 'pooler' : null;
}

/** The name without what a person does not see or does not mean: case, blanks, width, and characters of no width. */
function toPlainName(name: string): string {
  return name
    .normalize('NFKC')
    .replaceAll(/[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, '')
    .toLowerCase();
}

/** PostgreSQL 16 and later show every byte beyond ASCII of an application_name as `\xe2` (pg_clean_ascii). */
function decodeShown(application: string): string {
  return application.replaceAll(/(?:\\x[0-9a-f]{2})+/g, (escaped) =>
    new TextDecoder().decode(
      Uint8Array.from(escaped.split('\\x').slice(1), (hex) => parseInt(hex, 16)),
    ),
  );
}

/** PostgreSQL 15 and earlier show such a byte as `?`: each run of them may be as many letters as fit, or none. */
function maskedPattern(plain: string): RegExp | undefined {
  if (!plain.includes('?') || !/[a-z0-9]/.test(plain)) return undefined;
  const parts = plain
    .split(/(\?+)/)
    .map((part) =>
      part.startsWith('?')
        ? `.{0,${Math.floor(part.length / leastBytes)}}`
        : part.replaceAll(/[^a-z0-9]/g, String.raw`\$&`),
    );
  return new RegExp(`^${parts.join('')}$`);
}

function toMasked(name: string): string {
  return name.replaceAll(/[^ -~]/gu, (character) =>
    '?'.repeat(new TextEncoder().encode(character).length),
  );
}
