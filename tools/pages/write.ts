import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { configSchema } from '#cli/config/config-schema.ts';
import { configurationPage } from './configuration-page.ts';
import { messagesPage } from './messages-page.ts';

// Writes what follows from the schemas: the tables of two pages, and the JSON Schema of latchkey.yaml for editors.
const root = join(import.meta.dirname, '../..');

async function rewrite(path: string, change: (page: string) => string): Promise<void> {
  const file = join(root, path);
  await writeFile(file, change(await readFile(file, 'utf8')));
}

await rewrite('docs/configuration.md', configurationPage);
await rewrite('docs/messages.md', messagesPage);
await writeFile(join(root, 'deploy/latchkey.schema.json'), `${JSON.stringify(configSchema(), null, 2)}\n`);
