import { describeIssues, describeProblems } from '#shared/config/config-issue.ts';
import { inlineProblems } from '#shared/config/inline-problems.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { checkShape } from '#shared/contracts/shapes/check-shape.ts';
import { isObject, type JsonObject, member } from '#shared/core/text/json-value.ts';
import { serviceProblems } from '#shared/managers/chain/chain-problems.ts';
import { type FlyteField, foldName } from './config-import-source.ts';

/** A field of Flyte's that latchkey.yaml cannot say, or says otherwise, and why. */
interface Remark {
  field: string;
  why: string;
}

export interface ImportedConfig {
  /** What latchkey.yaml has to hold. */
  config: JsonObject;
  remarks: Remark[];
}

type Remarks = (why: string) => void;
/** Where a field goes in latchkey.yaml, its value by way of `convert`; undefined = nowhere, with a remark. */
type Mapping =
  | { to: readonly [string, ...string[]]; convert?: (value: unknown, remark: Remarks) => unknown }
  | { why: string };

const chainOfFlyte: Readonly<Record<string, string>> = {
  global: 'global',
  k8s: 'k8s',
  aws: 'aws',
  gcp: 'gcp',
  azure: 'azure',
  vault: 'vault',
};

const ownCertificates =
  'latchkey keeps certificates of its own in Secrets of its own namespace (tls.caSecretName, tls.servingSecretName); the Secret of Flyte is not touched';
const ownService = "latchkey has a Service of its own (deploy/gateway.yaml), which is not Flyte's";

/** Every field of Flyte's webhook that is known, in the order in which they are applied: a later one wins. */
const mappings = new Map<string, Mapping>([
  ['webhook.secretmanagertype', { to: ['chain'], convert: (type, remark) => chainOf([type], remark) }],
  ['webhook.secretmanagertypes', { to: ['chain'], convert: chainOf }],
  ...['aws', 'gcp', 'azure'].flatMap((provider): [string, Mapping][] => [
    [`webhook.${provider}secretmanager.sidecarimage`, { to: [provider, 'sidecarImage'] }],
    [`webhook.${provider}secretmanager.resources`, { to: [provider, 'resources'], convert: resourcesOf }],
  ]),
  ['webhook.vaultsecretmanager.role', { to: ['vault', 'role'] }],
  ['webhook.vaultsecretmanager.kvversion', { to: ['vault', 'kvVersion'], convert: String }],
  ['webhook.vaultsecretmanager.annotations', { to: ['vault', 'annotations'] }],
  ['webhook.servicename', { to: ['webhook', 'configurationName'] }],
  ['webhook.webhooktimeout', { to: ['webhook', 'timeoutSeconds'] }],
  ['webhook.namespaceselector', { to: ['k8s', 'namespaces', 'selector'], convert: selectorOf }],
  ['webhook.disablecreatemutatingwebhookconfig', { to: ['webhook', 'manage'], convert: manageOf }],
  ['webhook.secretname', { why: ownCertificates }],
  ['webhook.certdir', { why: ownCertificates }],
  ['webhook.localcert', { why: ownCertificates }],
  ['webhook.serviceport', { why: ownService }],
  ['webhook.listenport', { why: 'the variable WEBHOOK_PORT of the gateway (deploy/gateway.yaml) says it' }],
  ['webhook.metricsprefix', { why: 'metrics have names of their own; see /metrics of each service' }],
  [
    'webhook.secretenvvarprefix',
    { why: 'variables are named _FSEC_..., and FLYTE_SECRETS_ENV_PREFIX tells flytekit so' },
  ],
  ['secrets.secretsprefix', { to: ['global', 'dir'] }],
  ['secrets.envprefix', { to: ['global', 'envPrefix'] }],
]);

/** Whole parts of Flyte's webhook that latchkey does not have. */
const absentParts: readonly [prefix: string, why: string][] = [
  [
    'webhook.embeddedsecretmanagerconfig.',
    'latchkey never reads a value out of a provider: there is no embedded manager',
  ],
  ['webhook.imagebuilderconfig.', 'latchkey injects secrets only; it rewrites no image names'],
  ['webhook.kubeclientconfig.', 'the gateway talks to no API server'],
];

/**
 * latchkey.yaml for what Flyte's webhook was configured to do, and keeps its pods working: requests
 * are trusted (`k8s.inventory: open`) in every namespace, as Flyte trusts them.
 * @throws CONFIG_INVALID when a value is not one that latchkey accepts.
 */
export function importFlyteConfig(fields: ReadonlyMap<string, FlyteField>, source: string): ImportedConfig {
  const remarks: Remark[] = [];
  const config: JsonObject = {
    chain: ['global', 'k8s'],
    k8s: { inventory: 'open', namespaces: { selector: { matchLabels: {} } } },
    webhook: { configurationName: 'flyte-pod-webhook', adopt: false },
  };
  for (const [path, mapping] of mappings) {
    const field = fields.get(path);
    if (field === undefined) continue;
    const remark: Remarks = (why) => void remarks.push({ field: field.shown, why });
    if ('why' in mapping) remark(mapping.why);
    else assign(config, mapping.to, mapping.convert?.(field.value, remark) ?? field.value);
  }
  for (const [path, { shown }] of fields) {
    if (mappings.has(path)) continue;
    const part = absentParts.find(([prefix]) => path.startsWith(prefix));
    remarks.push({ field: shown, why: part?.[1] ?? "latchkey does not know this field of Flyte's" });
  }
  leaveToGitOps(config);
  closeBeforeOthers(config, remarks);
  check(config, source);
  return { config, remarks };
}

function assign(config: JsonObject, [name, ...inside]: readonly string[], value: unknown): void {
  if (name === undefined) return;
  if (inside.length === 0) {
    config[name] = value;
    return;
  }
  const section = member(config, name);
  const target: JsonObject = isObject(section) ? section : {};
  config[name] = target;
  assign(target, inside, value);
}

function chainOf(types: unknown, remark: Remarks): string[] {
  const names = (Array.isArray(types) ? types : [types]).map(String);
  const served = names.flatMap((name) => {
    const manager = chainOfFlyte[foldName(name)];
    if (manager === undefined) {
      remark(`latchkey has no manager "${name}": what only it could serve will be denied, not injected`);
    }
    return manager ?? [];
  });
  return [...new Set(['global', ...served])];
}

function resourcesOf(value: unknown, remark: Remarks): unknown {
  if (!isObject(value)) return value;
  const folded = Object.entries(value).map(([name, quantities]) => [foldName(name), quantities] as const);
  const kept = folded.filter(([name]) => name === 'requests' || name === 'limits');
  if (kept.length < folded.length) remark('of resources only requests and limits are set');
  return Object.fromEntries(kept);
}

function selectorOf(value: unknown, remark: Remarks): unknown {
  const entries = isObject(value) ? Object.entries(value) : [];
  const folded = new Map(entries.map(([name, inner]) => [foldName(name), inner]));
  if (folded.has('matchexpressions')) remark('namespaces are selected by matchLabels only');
  remark(
    'it selects the namespaces that get secrets; a labelled pod in another one is denied with 503, where Flyte admitted it without its secrets',
  );
  return { matchLabels: folded.get('matchlabels') ?? {} };
}

function manageOf(disabled: unknown, remark: Remarks): boolean {
  const isDisabled = String(disabled) === 'true';
  if (isDisabled) {
    remark(
      'another tool creates the MutatingWebhookConfiguration, so latchkey does not; see "When GitOps owns the object" in docs/migration.md',
    );
  }
  return !isDisabled;
}

/** Without `manage` its caBundle is kept: it must not be Flyte's object before that calls latchkey. */
function leaveToGitOps(config: JsonObject): void {
  if (member(config.webhook, 'manage') === false)
    config.webhook = { ...webhookOf(config), configurationName: 'latchkey' };
}

const webhookOf = ({ webhook }: JsonObject): JsonObject => (isObject(webhook) ? webhook : {});

/** An open manager takes every request that it could serve, so that a later one would never be asked. */
function closeBeforeOthers(config: JsonObject, remarks: Remark[]): void {
  const chain: unknown[] = Array.isArray(config.chain) ? config.chain : [];
  const position = chain.indexOf('k8s');
  if (position === -1 || position === chain.length - 1) return;
  assign(config, ['k8s', 'inventory'], 'closed');
  remarks.push({
    field: 'webhook.secretManagerTypes',
    why: 'k8s stands before other managers, so it is asked for what exists only (k8s.inventory: closed)',
  });
}

function check(config: JsonObject, source: string): void {
  const parsed = checkShape(latchkeyConfigSchema, config);
  const target = `${source}, as latchkey.yaml,`;
  if (!parsed.success) throw new LatchkeyError('CONFIG_INVALID', describeIssues(target, parsed.error.issues));
  const problems = [...serviceProblems(parsed.data), ...inlineProblems(parsed.data)];
  if (problems.length > 0) throw new LatchkeyError('CONFIG_INVALID', describeProblems(target, problems));
}
