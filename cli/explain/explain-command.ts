import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Command, exitCodes, exitCodesHelp, UsageError, type Values } from '#cli/command.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { member } from '#shared/core/text/json-value.ts';
import { ownManager } from '#shared/managers/custom/own-manager.ts';
import { loadRecipeFile } from '#shared/managers/custom/recipe-file.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { describeYamlFault, mostTokensOfInput, readYaml } from '#shared/runtime/yaml-text.ts';
import { explainBatch } from './explain-batch.ts';
import { describeExplanation } from './explain-report.ts';
import { createExplain, readConfig } from './explanation.ts';

export const explainCommand: Command = {
  help: `Usage: latchkey explain [--config latchkey.yaml] [--inventory inventory.yaml] [--json] POD.yaml
       latchkey explain --batch < questions.ndjson > answers.ndjson

Shows for each requested secret which manager injects it and how, or why it is denied, and the changes to
the pod. POD.yaml contains a Pod or an AdmissionReview, as YAML or JSON.

  --config FILE     configuration of the services; defaults if omitted. Custom recipes are read from its directory,
                    not with --batch
  --inventory FILE  the existing secrets; none if omitted:
                      global: {env: {FLYTE_SECRET_G_K: value}, files: {group/key: value}}
                      k8s: {namespace: {secret: [key, ...]}}
                      aws: [ARN], azure: [URI], vault: [path], gcp: {name: [version, ...]}, where closed
                    a listed namespace is known completely, all others are unknown
  --json            print the answer as JSON: {secrets, warnings, response, pod}
  --batch           one question per line on stdin, one answer per line on stdout, in the same order:
                      in   {"id", "config": {...}, "inventory": {...}, "review": {AdmissionReview}}
                      out  {"id", "response": {...}, "pod": {after the patch} or null}
                      or   {"id", "error": {"code", "message"}} for an invalid line

With global.delivery: inline, the output contains the values of global secrets.

${exitCodesHelp}`,
  options: {
    config: { type: 'string' },
    inventory: { type: 'string' },
    json: { type: 'boolean' },
    batch: { type: 'boolean' },
  },
  async run({ input, output }, values, positionals) {
    if (values.batch === true) {
      if (positionals.length > 0) throw new UsageError('--batch takes no file');
      await explainBatch(input, output);
      return exitCodes.done;
    }
    const [file, ...rest] = positionals;
    if (file === undefined || rest.length > 0) throw new UsageError('explain takes one file');
    const config = readConfig(await readOption(values, 'config'), 'config');
    const inventory = await readOption(values, 'inventory');
    const review = asReview(await readDocument(file));
    const before = structuredClone(member(member(review, 'request'), 'object'));
    const own = await loadOwnManagers(config, String(values.config ?? ''));
    const explanation = createExplain(config, own)(inventory, review);
    const { admission, secrets, response, pod } = explanation;
    const { warnings } = admission;
    if (values.json) output.json({ secrets, warnings, response, pod });
    else output.lines(describeExplanation(explanation, before));
    return response.allowed ? exitCodes.done : exitCodes.refused;
  },
};

/** Recipes are looked for beside the configuration, as the services do. */
function loadOwnManagers(config: LatchkeyConfig, configFile: string): Promise<Manager[]> {
  const load = async ([name, file]: [string, string]): Promise<Manager> =>
    ownManager(name, await loadRecipeFile(resolve(dirname(configFile), file), config), config);
  return Promise.all(Object.entries(config.custom).map(load));
}

async function readOption(values: Values, option: string): Promise<unknown> {
  const file = values[option];
  return typeof file === 'string' ? await readDocument(file) : undefined;
}

/** Reads YAML or JSON, nested no deeper than the webhook itself would read. */
async function readDocument(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new LatchkeyError('REQUEST_MALFORMED', `${file} cannot be read: ${cause.code}`, { cause });
  });
  const read = readYaml(text, mostTokensOfInput);
  if (!('faults' in read)) return read.value;
  const [why] = read.faults.map(describeYamlFault);
  throw new LatchkeyError('REQUEST_MALFORMED', `${file} cannot be read: ${why}`);
}

function asReview(document: unknown): unknown {
  if (member(document, 'kind') === 'AdmissionReview') return document;
  return {
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'explain',
      kind: { group: '', version: 'v1', kind: member(document, 'kind') },
      operation: 'CREATE',
      namespace: member(member(document, 'metadata'), 'namespace') ?? 'default',
      object: document,
    },
  };
}
