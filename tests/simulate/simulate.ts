import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { simulate } from './findings.ts';
import { fillPage } from './page.ts';
import { tablesOf } from './tables.ts';

const PAGE = fileURLToPath(new URL('../../docs/cost.md', import.meta.url));
const FOUND = fileURLToPath(new URL('./findings.json', import.meta.url));

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });

// Prints the tables of docs/cost.md; with --write they go there, and what they were made of beside this file.
const findings = await simulate((line) => process.stderr.write(`${line}\n`));
const tables = tablesOf(findings);
for (const [name, table] of Object.entries(tables)) process.stdout.write(`\n${name}\n\n${table}\n`);
if (values.write) {
  writeFileSync(FOUND, `${JSON.stringify(findings, null, 2)}\n`);
  writeFileSync(PAGE, fillPage(readFileSync(PAGE, 'utf8'), tables));
}
