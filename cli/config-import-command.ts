import { Document, isMap, isScalar } from 'yaml';
import { type Command, exitCodes, exitCodesHelp, UsageError } from './command.ts';
import { type ImportedConfig, importFlyteConfig } from './config-import.ts';
import { readFlyteSections } from './config-import-source.ts';
import { readTextArgument } from './text-argument.ts';

export const configCommand: Command = {
  help: `Usage: latchkey config import [--json] FILE > latchkey.yaml

Reads the ConfigMap of Flyte's webhook (kubectl get configmap flyte-propeller-config -o yaml), or one of
the files in it, and prints the latchkey.yaml under which the same pods go on working. FILE is - for stdin.
Names on stderr every field that has no counterpart, and why.

  --json   {config, remarks: [{field, why}]} as JSON on stdout instead, nothing on stderr

docs/migration.md describes the whole move.

${exitCodesHelp}`,
  options: { json: { type: 'boolean' } },
  async run(terminal, values, [action, file, ...rest]) {
    if (action !== 'import' || file === undefined || rest.length > 0) {
      throw new UsageError('config takes "import" and one file');
    }
    const source = file === '-' ? 'stdin' : file;
    const imported = importFlyteConfig(
      readFlyteSections(await readTextArgument(file, terminal, 'CONFIG_INVALID'), source),
      source,
    );
    if (values.json === true) {
      terminal.output.write(`${JSON.stringify(imported, null, 2)}\n`);
      return exitCodes.done;
    }
    terminal.output.write(latchkeyYaml(imported, source));
    for (const { field, why } of imported.remarks) terminal.errors.write(`${field}: ${why}\n`);
    return exitCodes.done;
  },
};

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
