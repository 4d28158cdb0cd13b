import { readFileSync } from 'node:fs';

const root = new URL('../../../', import.meta.url);

/** What a command of these documents begins with, after variables that are set for it alone. */
const program = /^(?:[A-Z_]+=\S+ )*(?:docker|psql|cp|cd|npm|npx|sqlite3|stat|\/dbconn) /;

/** Every command that the two documents, and the files they have somebody fill in, tell people to type. */
export function readCommands(): ReadonlySet<string> {
  const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');
  const [install] = read('README.md').split('## Install it\n').slice(1).join('').split('\n## ');
  if (install === undefined || install === '') throw new Error('README.md has no "Install it".');
  const texts = [install, read('deploy/README.md'), read('deploy/.env.example')];
  return new Set(texts.flatMap((text) => commandsOf(text)));
}

/** The lines of its code fences without their comments, and what stands inline and begins with a program. */
function commandsOf(text: string): readonly string[] {
  const fences = [...text.matchAll(/^```\n([^]*?)^```$/gm)].map(([, lines = '']) => lines);
  const inFences = fences.flatMap((lines) => lines.trimEnd().split('\n'));
  const prose = text.replaceAll(/^```\n[^]*?^```$/gm, '');
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code);
  return [
    ...inFences.map((line) => line.replace(/\s+#.*$/, '')),
    ...inline.map((code) => code.replaceAll(/\s+/g, ' ')).filter((code) => program.test(code)),
  ];
}
