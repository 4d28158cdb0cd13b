import { LineCounter, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { z } from 'zod';

const Value = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const Entry = z.union([z.string(), z.looseObject({ path: z.string() })]);

const Service = z.looseObject({
  environment: z.union([z.array(z.string()), z.record(z.string(), Value)]).nullish(),
  env_file: z.union([z.string(), z.array(Entry)]).nullish(),
  extends: z.unknown().optional(),
});

const Content = z.looseObject({
  services: z.record(z.string(), Service.nullable()).nullish(),
  include: z.unknown().optional(),
});

/** One file of a compose project, as far as it says what its services' environments are. */
export interface ComposeFile {
  /** As dbconn sees it. */
  readonly path: string;
  readonly services: ReadonlyMap<string, z.infer<typeof Service>>;
  /** It takes services from other files, which are not read. */
  readonly includes: boolean;
  /** Where a variable is in a service's `environment`; null for what an anchor brings. */
  readonly findLine: (service: string, variable: string) => number | null;
}

/** Undefined for what is no compose file. `<<` merges are followed, other files are not. */
export function parseComposeFile(path: string, text: string): ComposeFile | undefined {
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { merge: true, logLevel: 'silent', lineCounter: lines });
    const content = Content.safeParse(document.toJS());
    if (document.errors.length > 0 || !content.success) return undefined;
    const services = Object.entries(content.data.services ?? {});
    return {
      path,
      services: new Map(services.map(([name, service]) => [name, service ?? {}])),
      includes: content.data.include !== undefined,
      findLine: (service, variable) => {
        const offset = findOffset(document, service, variable);
        return offset === undefined ? null : lines.linePos(offset).line;
      },
    };
  } catch {
    // An alias that leads nowhere, or thousands of them.
    return undefined;
  }
}

/**
 * What one file's `environment` says: each variable's text, or null where it is only named, and so passed through from
 * where Compose runs.
 */
export function readEntries(
  { services }: ComposeFile,
  service: string,
): ReadonlyMap<string, string | null> {
  const environment = services.get(service)?.environment ?? {};
  if (Array.isArray(environment)) {
    return new Map(
      environment.map((entry) => {
        const [name = '', ...rest] = entry.split('=');
        return [name, entry.includes('=') ? rest.join('=') : null];
      }),
    );
  }
  const entries = Object.entries(environment);
  return new Map(entries.map(([name, value]) => [name, value === null ? null : String(value)]));
}

/** The paths of a service's `env_file`, in order, as they are written. */
export function readEnvFilePaths({ services }: ComposeFile, service: string): readonly string[] {
  const listed = services.get(service)?.env_file ?? [];
  const entries = Array.isArray(listed) ? listed : [listed];
  return entries.map((entry) => (typeof entry === 'string' ? entry : entry.path));
}

/** Where the line begins; undefined for what an anchor brings. */
function findOffset(document: Document, service: string, variable: string): number | undefined {
  const node: unknown = document.getIn(['services', service, 'environment'], true);
  if (isSeq(node)) {
    const item = node.items.find((one) => isScalar(one) && isEntry(one.value, variable));
    return isScalar(item) ? item.range?.[0] : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find(({ key }) => isScalar(key) && key.value === variable);
  return isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
}

function isEntry(value: unknown, variable: string): boolean {
  return value === variable || (typeof value === 'string' && value.startsWith(`${variable}=`));
}
