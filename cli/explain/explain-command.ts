import { dirname, resolve } from 'node:path';
import { type Command, exitCodes, type Terminal, UsageError, type Values } from '#cli/command.ts';
import { installationOptions } from '#cli/installation-options.ts';
import { readTextArgument } from '#cli/text-argument.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { excludedNamespaces } from '#shared/installation/excluded-namespaces.ts';
import { ownManager } from '#shared/managers/custom/own-manager.ts';
import { loadRecipeFile } from '#shared/managers/custom/recipe-file.ts';
import type { Manager } from '#shared/managers/shipped/manager.ts';
import { readYamlDocuments } from '#shared/runtime/yaml-documents.ts';
import { describeYamlFault, mostTokensOfInput, readYaml } from '#shared/runtime/yaml-text.ts';
import { explainBatch } from './explain-batch.ts';
import { type AskedRules, explainPods } from './explain-pods.ts';
import { createInventoryRules, readConfig } from './explanation.ts';
import { findPods } from './find-pods.ts';

export const explainCommand: Command = {
  help: `Usage: latchkey explain [--config latchkey.yaml] [--inventory inventory.yaml] [--json] FILE
       latchkey explain --live [--kubeconfig FILE] [--context NAME] [-n NS] [--json] FILE
       latchkey explain --batch < questions.ndjson > answers.ndjson

Shows for each requested secret which manager injects it and how, or why it is denied, and the changes to
the pod. FILE, or - for stdin, contains YAML or JSON, also several documents: Pods, AdmissionReviews, Lists,
and objects that create pods. Every pod template inside them is judged and named by its path: those of
CronJobs, Deployments and other workloads, and those of custom resources (Spark, Ray, Kubeflow, Dask, Flyte).
Without any pod the command fails. A hint tells what the webhook is not asked, such as a missing label or a
namespace that it excludes. An object that asks for secrets and has no pod template is named as not checked.

  --config FILE     configuration of the services; defaults if omitted. Custom recipes are read from its directory,
                    not with --batch
  --inventory FILE  the existing secrets; none if omitted:
                      global: {env: {FLYTE_SECRET_G_K: value}, files: {group/key: value}}
                      k8s: {namespace: {secret: [key, ...]}}
                      aws: [ARN], azure: [URI], vault: [path], gcp: {name: [version, ...]}, where closed
                    a listed namespace is known completely, all others are unknown
  --live            ask an installation: its configuration (ConfigMap latchkey-config) and the rules that its gateways
                    start from (the snapshot in Secrets), so that no inventory is needed. Reads Kubernetes objects
                    only: get on that ConfigMap and on the Secrets latchkey-rules-snapshot-0 to -3
  --kubeconfig FILE, --context NAME, -n, --namespace NS
                    with --live, as for latchkey status: the cluster, and the namespace of the installation
  --task-namespace NS
                    namespace of the pods of objects that name none (default: default)
  --json            print the answer as JSON: {secrets, warnings, response, pod, hints?} where FILE is one Pod or
                    one AdmissionReview, else {pods: [{path, secrets, warnings, response, pod, hints?}],
                    unchecked?: [{path, places}]}
  --batch           one question per line on stdin, one answer per line on stdout, in the same order:
                      in   {"id", "config": {...}, "inventory": {...}, "review": {AdmissionReview}}
                      out  {"id", "response": {...}, "pod": {after the patch} or null}
                      or   {"id", "error": {"code", "message"}} for an invalid line

With global.delivery: inline, the output contains the values of global secrets; with --live, (sealed) instead.

Exit codes:
  0  every pod is admitted with all the secrets it asks for; --batch: every line is answered
  1  a pod is denied, or would start without secrets it asks for because its label is missing or its namespace is
     excluded; or an object that asks for secrets is not checked; or a file is invalid, or contains no pod
  2  the command line is invalid
`,
  options: {
    ...installationOptions,
    live: { type: 'boolean' },
    inventory: { type: 'string' },
    'task-namespace': { type: 'string' },
    json: { type: 'boolean' },
    batch: { type: 'boolean' },
  },
  async run(terminal, values, positionals) {
    const { input, output } = terminal;
    if (values.batch === true) {
      if (positionals.length > 0) throw new UsageError('--batch takes no file');
      if (values.live === true) throw new UsageError('--batch asks no installation');
      await explainBatch(input, output);
      return exitCodes.done;
    }
    const [file, ...rest] = positionals;
    if (file === undefined || rest.length > 0) throw new UsageError('explain takes one file');
    const ofStdin = [file, values.config, values.inventory].filter((name) => name === '-');
    if (ofStdin.length > 1) throw new UsageError('only one file can be read from stdin');
    checkSource(values);
    // The Kubernetes client is loaded for those who ask a cluster.
    const rules =
      values.live === true
        ? await (await import('./live-rules.ts')).readLiveRules(terminal, values)
        : await readRules(terminal, values);
    const documents = await readDocuments(terminal, file);
    const found = findPods(documents, sourceOf(file), String(values['task-namespace'] ?? 'default'));
    return explainPods(found, rules, output, values.json === true);
  },
};

/** @throws UsageError when the options say two sources of what exists, or name a cluster that is not asked */
function checkSource(values: Values): void {
  if (values.live === true) {
    if (values.inventory !== undefined)
      throw new UsageError('--live reads what exists, and takes no inventory');
    return;
  }
  const ofCluster = ['kubeconfig', 'context', 'namespace'].find((option) => values[option] !== undefined);
  if (ofCluster !== undefined) throw new UsageError(`--${ofCluster} is for --live`);
}

async function readRules(terminal: Terminal, values: Values): Promise<AskedRules> {
  const config = readConfig(await readOption(terminal, values.config), 'config');
  const inventory = await readOption(terminal, values.inventory);
  const own = await loadOwnManagers(config, String(values.config ?? ''));
  const rulesOf = createInventoryRules(config, own)(inventory);
  return {
    rulesOf,
    excluded: excludedNamespaces(config.webhook, terminal.environment.POD_NAMESPACE || 'latchkey'),
  };
}

/** Recipes are looked for beside the configuration, as the services do. */
function loadOwnManagers(config: LatchkeyConfig, configFile: string): Promise<Manager[]> {
  const load = async ([name, file]: [string, string]): Promise<Manager> =>
    ownManager(name, await loadRecipeFile(resolve(dirname(configFile), file), config), config);
  return Promise.all(Object.entries(config.custom).map(load));
}

/** Reads YAML or JSON, nested no deeper than the webhook itself would read. */
async function readOption(terminal: Terminal, file: Values[string]): Promise<unknown> {
  if (typeof file !== 'string') return undefined;
  const read = readYaml(await readTextArgument(file, terminal, 'REQUEST_MALFORMED'), mostTokensOfInput);
  if ('faults' in read) throw unreadable(sourceOf(file), read.faults.map(describeYamlFault));
  return read.value;
}

async function readDocuments(terminal: Terminal, file: string) {
  const read = readYamlDocuments(await readTextArgument(file, terminal, 'REQUEST_MALFORMED'));
  if ('faults' in read) throw unreadable(sourceOf(file), read.faults.map(describeYamlFault));
  return read;
}

const sourceOf = (file: string): string => (file === '-' ? 'stdin' : file);

const unreadable = (source: string, [why]: readonly string[]): LatchkeyError =>
  new LatchkeyError('REQUEST_MALFORMED', `${source} cannot be read: ${why}`);
