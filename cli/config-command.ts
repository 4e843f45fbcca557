import { type Command, exitCodes, exitCodesHelp, UsageError } from './command.ts';
import { runConfigImport } from './config-import-command.ts';
import { configSchemaText } from './config-schema.ts';

export const configCommand: Command = {
  help: `Usage: latchkey config schema > latchkey.schema.json
       latchkey config import [--json] FILE > latchkey.yaml

schema prints the JSON Schema (draft 2020-12) of latchkey.yaml. Editors with the YAML language server
check and complete a file that begins with
  # yaml-language-server: $schema=latchkey.schema.json

import reads the ConfigMap of Flyte's webhook (kubectl get configmap flyte-propeller-config -o yaml), or
one of the files in it, and prints the latchkey.yaml under which the same pods go on working. FILE is -
for stdin. Names on stderr every field that has no counterpart, and why.

  --json   {config, remarks: [{field, why}]} as JSON on stdout instead, nothing on stderr

docs/configuration.md describes every field, docs/migration.md the whole move from Flyte's webhook.

${exitCodesHelp}`,
  options: { json: { type: 'boolean' } },
  async run(terminal, values, [action, ...files]) {
    if (action === 'import') return await runConfigImport(terminal, { files, json: values.json === true });
    if (action !== 'schema') throw new UsageError('config takes "schema" or "import"');
    if (files.length > 0 || values.json !== undefined) throw new UsageError('config schema takes nothing');
    terminal.output.write(configSchemaText());
    return exitCodes.done;
  },
};
