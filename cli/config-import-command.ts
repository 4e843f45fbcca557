import { Document, isMap, isScalar } from 'yaml';
import { exitCodes, type Terminal, UsageError } from './command.ts';
import { type ImportedConfig, importFlyteConfig } from './config-import.ts';
import { readFlyteSections } from './config-import-source.ts';
import { readTextArgument } from './text-argument.ts';

/** Runs `latchkey config import`. Throws CONFIG_INVALID when the file is not Flyte's. */
export async function runConfigImport(
  terminal: Terminal,
  { files, json }: { files: readonly string[]; json: boolean },
): Promise<number> {
  const [file, ...rest] = files;
  if (file === undefined || rest.length > 0) throw new UsageError('config import takes one file');
  const source = file === '-' ? 'stdin' : file;
  const text = await readTextArgument(file, terminal, 'CONFIG_INVALID');
  const imported = importFlyteConfig(readFlyteSections(text, source), source);
  if (json) {
    terminal.output.write(`${JSON.stringify(imported, null, 2)}\n`);
    return exitCodes.done;
  }
  terminal.output.write(latchkeyYaml(imported, source));
  for (const { field, why } of imported.remarks) terminal.errors.write(`${field}: ${why}\n`);
  return exitCodes.done;
}

/** Comments that stand before a field of the file. */
const advice: readonly [section: readonly string[], field: string, comment: string][] = [
  [
    ['k8s'],
    'inventory',
    ' open trusts every request, as Flyte does; closed is safer: a pod whose Secret does not exist is denied',
  ],
  [
    ['k8s', 'namespaces', 'selector'],
    'matchLabels',
    ' none is every namespace, as Flyte does; latchkey.dev/secrets: enabled narrows it to those with that label',
  ],
  [['webhook'], 'adopt', " true cuts over to latchkey, false gives the object back to Flyte's webhook"],
];

function latchkeyYaml({ config }: ImportedConfig, source: string): string {
  const document = new Document(config);
  document.commentBefore = ` Made by \`latchkey config import\` from ${source}; docs/migration.md says how to go on.`;
  for (const [section, field, comment] of advice) {
    const map = document.getIn(section, true);
    const pair = isMap(map) ? map.items.find(({ key }) => isScalar(key) && key.value === field) : undefined;
    if (isScalar(pair?.key)) pair.key.commentBefore = comment;
  }
  return document.toString({ lineWidth: 0 });
}
