import { isObject, scalarText } from '#shared/core/text/json-object.ts';
import { flyteChainOf } from './flyte-chain.ts';
import { foldName } from './fold-name.ts';

export type Remarks = (why: string) => void;
/** Where a field goes in latchkey.yaml, its value by way of `convert`; undefined = nowhere, with a remark. */
export type Mapping =
  | { to: readonly [string, ...string[]]; convert?: (value: unknown, remark: Remarks) => unknown }
  | { why: string };

const ownCertificates =
  'latchkey keeps certificates of its own in Secrets of its own namespace (tls.caSecretName, tls.servingSecretName); the Secret of Flyte is not touched';
const ownService = "latchkey has a Service of its own (deploy/gateway.yaml), which is not Flyte's";

/** Every field of Flyte's webhook that is known, in the order in which they are applied: a later one wins. */
export const mappings = new Map<string, Mapping>([
  ['webhook.secretmanagertype', { to: ['chain'], convert: (type) => flyteChainOf([type]) }],
  ['webhook.secretmanagertypes', { to: ['chain'], convert: flyteChainOf }],
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
export const absentParts: readonly { prefix: string; why: string }[] = [
  {
    prefix: 'webhook.embeddedsecretmanagerconfig.',
    why: 'latchkey never reads a value out of a provider: there is no embedded manager',
  },
  { prefix: 'webhook.imagebuilderconfig.', why: 'latchkey injects secrets only; it rewrites no image names' },
  { prefix: 'webhook.kubeclientconfig.', why: 'the gateway talks to no API server' },
];

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
  const isDisabled = scalarText(disabled) === 'true';
  if (isDisabled) {
    remark(
      'another tool creates the MutatingWebhookConfiguration, so latchkey does not; see "When GitOps owns the object" in docs/migration.md',
    );
  }
  return !isDisabled;
}
