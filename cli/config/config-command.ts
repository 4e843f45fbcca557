import { type Command, exitCodes, exitCodesHelp, UsageError, type Values } from '#cli/command.ts';
import { runConfigImportCommand } from './config-import-command.ts';
import { configSchema } from './config-schema.ts';

export const configCommand: Command = {
  help: `Usage: latchkey config schema > latchkey.schema.json
       latchkey config import [--section NUMBER] [--object NAME] [--json] FILE > latchkey.yaml

schema prints the JSON Schema (draft 2020-12) of latchkey.yaml. Editors with the YAML language server
validate and complete a file that begins with
  # yaml-language-server: $schema=latchkey.schema.json

import prints a latchkey.yaml that keeps the same pods working as Flyte's webhook. FILE, or - for stdin, is
whatever holds the webhook's configuration: Flyte's ConfigMap (kubectl get configmap flyte-propeller-config
-o yaml) or one of its files, a Secret with such files, a List, a chart rendered by helm template or helm get
manifest, or values of flyte-core or flyte-binary. Prints to stderr where the section was found, each field
without an equivalent with the reason, and the next steps: what must follow elsewhere, with the names of this
configuration. Fails when a manager is listed that latchkey does not have, no field of Flyte's webhook is
found, or the values take a part from an object that FILE does not hold.

  --section NUMBER  which section, where FILE configures the webhook in several places; without it, they are listed
  --object NAME     name of Flyte's MutatingWebhookConfiguration, which values of flyte-binary do not tell
  --json            print {config, remarks: [{field, why}], section, steps: [text]} as JSON to stdout, and nothing
                    to stderr

docs/configuration.md describes every field, docs/migration.md the migration from Flyte's webhook.

${exitCodesHelp}`,
  options: { json: { type: 'boolean' }, section: { type: 'string' }, object: { type: 'string' } },
  async run(terminal, values, [action, ...files]) {
    const { json, section, object } = values;
    if (action === 'import') {
      return await runConfigImportCommand(terminal, {
        files,
        json: json === true,
        section: textOption(section),
        object: textOption(object),
      });
    }
    if (action !== 'schema') throw new UsageError('config takes "schema" or "import"');
    if (files.length > 0 || Object.keys(values).length > 0) {
      throw new UsageError('config schema takes nothing');
    }
    terminal.output.json(configSchema());
    return exitCodes.done;
  },
};

const textOption = (value: Values[string]): string | undefined =>
  value === undefined ? undefined : String(value);
