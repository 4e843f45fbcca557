import { type Command, exitCodes, exitCodesHelp, UsageError } from '#cli/command.ts';
import { runConfigImport } from './config-import-command.ts';
import { configSchema } from './config-schema.ts';

export const configCommand: Command = {
  help: `Usage: latchkey config schema > latchkey.schema.json
       latchkey config import [--json] FILE > latchkey.yaml

schema prints the JSON Schema (draft 2020-12) of latchkey.yaml. Editors with the YAML language server
validate and complete a file that begins with
  # yaml-language-server: $schema=latchkey.schema.json

import reads the ConfigMap of Flyte's webhook (kubectl get configmap flyte-propeller-config -o yaml), or
one of its files, and prints a latchkey.yaml that keeps the same pods working. FILE is - for stdin.
Prints to stderr each field without an equivalent, and the reason.

  --json   print {config, remarks: [{field, why}]} as JSON to stdout, and nothing to stderr

docs/configuration.md describes every field, docs/migration.md the migration from Flyte's webhook.

${exitCodesHelp}`,
  options: { json: { type: 'boolean' } },
  async run(terminal, values, [action, ...files]) {
    if (action === 'import') return await runConfigImport(terminal, { files, json: values.json === true });
    if (action !== 'schema') throw new UsageError('config takes "schema" or "import"');
    if (files.length > 0 || values.json !== undefined) throw new UsageError('config schema takes nothing');
    terminal.output.json(configSchema());
    return exitCodes.done;
  },
};
