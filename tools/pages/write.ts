import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configSchemaText } from '#cli/config-schema.ts';
import { configurationPage } from './configuration-page.ts';

// Writes what follows from the schemas of the configuration: the tables of the page, and the JSON Schema for editors.
const root = join(import.meta.dirname, '../..');
const page = join(root, 'docs/configuration.md');

await writeFile(page, configurationPage(await readFile(page, 'utf8')));
await writeFile(join(root, 'deploy/latchkey.schema.json'), configSchemaText());
