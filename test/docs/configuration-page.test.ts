import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Document, parse } from 'yaml';
import { configSchema } from '#cli/config/config-schema.ts';
import { processVariables } from '#shared/config/process-config.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { defaultConfig } from '#testkit/installation/default-config.ts';
import { runLatchkey } from '#testkit/processes/run-latchkey.ts';
import { configurationPage } from '#tools/pages/configuration-page.ts';
import { schemaFields } from '#tools/pages/schema-fields.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): Promise<string> => readFile(join(root, path), 'utf8');
const page = await read('docs/configuration.md');
const rewrite = 'the schema has changed: npm run pages';
// A format is for people: `uri` needs a package more, and the services check it.
const isConfiguration = new Ajv2020({ validateFormats: false, allowUnionTypes: true }).compile(
  configSchema(),
);

test('the tables of the page are those of the schemas', () => {
  assert.equal(configurationPage(page), page, rewrite);
});

test('the JSON Schema in deploy/ is the one that the command prints', async () => {
  const { code, output } = await runLatchkey(['config', 'schema']);
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(await read('deploy/latchkey.schema.json')), JSON.parse(output), rewrite);
});

test('the page names every variable that the services read', () => {
  for (const variable of processVariables) assert.ok(page.includes(`\n| \`${variable}\` `), variable);
});

test('every field has a meaning, in one sentence', () => {
  for (const { path, schema } of schemaFields(configSchema())) {
    assert.match(schema.description ?? '', /^[`A-Z].*[^.]\.$/s, path);
    assert.doesNotMatch(schema.description ?? '', /\. [A-Z]/, path);
  }
});

test('the defaults on the page, written into a file, are what an empty file means', () => {
  const file = new Document({});
  for (const [, path = '', text = ''] of page.matchAll(
    /^\| `([a-z][a-zA-Z0-9.]+)` +\|[^|]+\| `([^`]+)` +\|/gm,
  )) {
    // What is in a default is shown by the default.
    if (!/^(k8s\.namespaces|vault\.provider\.auth)\./.test(path)) file.setIn(path.split('.'), parse(text));
  }
  // The file may write the number as one.
  const vault = { ...defaultConfig.vault, kvVersion: Number(defaultConfig.vault.kvVersion) };
  assert.deepEqual(file.toJS(), { ...defaultConfig, vault });
  assert.deepEqual(latchkeyConfigSchema.parse(file.toJS()), defaultConfig);
});

test('the JSON Schema takes every file that is shipped, and the defaults', async () => {
  for (const path of ['deploy/latchkey.yaml', 'deploy/compose/latchkey.yaml']) {
    assert.ok(isConfiguration(parse(await read(path))), `${path}: ${JSON.stringify(isConfiguration.errors)}`);
  }
  for (const configuration of [{}, defaultConfig]) {
    assert.ok(isConfiguration(configuration), JSON.stringify(isConfiguration.errors));
  }
});

test('the JSON Schema refuses a wrong field, value or type as the services do', () => {
  for (const wrong of [
    { webhok: {} },
    { chain: [] },
    { k8s: { namespaces: { names: ['Team_A'] } } },
    { tls: { keyBits: 1024 } },
    { bus: { bucketMiB: 1.5 } },
    { global: { dir: 'secrets' } },
  ]) {
    assert.equal(isConfiguration(wrong), false, JSON.stringify(wrong));
    assert.equal(latchkeyConfigSchema.safeParse(wrong).success, false, JSON.stringify(wrong));
  }
});
