// Prints the section of CHANGELOG.md that a tag releases, and fails where the tag is not the version of package.json or
// has no section: node scripts/release-notes.mjs v0.2.0
import { readFileSync } from 'node:fs';

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const tag = process.argv[2] ?? '';
const { version } = JSON.parse(read('package.json'));

function findNotes() {
  if (tag !== `v${version}`)
    throw new Error(`The tag is "${tag}", and package.json says ${version}.`);
  const sections = read('CHANGELOG.md').split(/^## /m);
  const section = sections.find((text) => text.startsWith(`${version} - `));
  if (section === undefined) throw new Error(`CHANGELOG.md has no section "## ${version} - DATE".`);
  return section.slice(section.indexOf('\n')).trim();
}

try {
  console.log(findNotes());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
