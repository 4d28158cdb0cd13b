// npm leaves an optional platform package out of the lock when the registry at hand cannot resolve
// it for this machine; `npm ci` then refuses the lock everywhere. This adds the missing entries.
// Run after every change of a dependency: node scripts/complete-lock.mjs
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const systems = 'darwin win32 linux android freebsd openbsd netbsd sunos aix openharmony'.split(
  ' ',
);
const processors = 'x64 ia32 arm64 arm ppc64 riscv64 s390x loong64 mips64el'.split(' ');

function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  const libc = words.includes('musl') ? 'musl' : words.includes('gnu') ? 'glibc' : undefined;
  return { ...(os && { os: [os] }), ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }) };
}

const added = [];
for (const [where, parent] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(parent.optionalDependencies ?? {})) {
    const nested = where === '' ? `node_modules/${name}` : `${where}/node_modules/${name}`;
    if (lock.packages[`node_modules/${name}`] !== undefined) continue;
    if (lock.packages[nested] !== undefined) continue;
    const alias = /^npm:(.+)@([^@]+)$/.exec(range);
    lock.packages[`node_modules/${name}`] = {
      ...(alias && { name: alias[1] }),
      version: (alias ? alias[2] : range).replace(/^[~^]/, ''),
      ...(parent.dev && { dev: true }),
      optional: true,
      ...platformOf(alias ? alias[1] : name),
    };
    added.push(name);
  }
}
lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)),
);
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'The lock is complete.' : `Added ${added.join(', ')}.`);
