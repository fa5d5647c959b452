// Writes docs/schema from the zod schemas of the events: npm run schema.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { schemaFiles } from './schema/schema-files.ts';

const folder = new URL('../docs/schema/', import.meta.url);
const files = schemaFiles();

mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) if (!files.has(name)) rmSync(new URL(name, folder));
for (const [name, text] of files) writeFileSync(new URL(name, folder), text);
console.log(`${files.size} schemas in docs/schema`);
