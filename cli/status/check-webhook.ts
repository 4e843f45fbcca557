import { readBundle } from '#shared/certificates/ca-bundle.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { fieldWriter } from '#shared/installation/field-writer.ts';
import {
  adoptionProblem,
  isOwnedByOthers,
  storedEntry,
  targetsOtherService,
  webhookAdoptionAnnotation,
} from '#shared/installation/webhook-adoption.ts';
import {
  configurationNameOf,
  desiredWebhook,
  pausedAnnotation,
  webhookName,
} from '#shared/installation/webhook-configuration.ts';
import { addedTerms, findWebhookDrift } from '#shared/installation/webhook-drift.ts';
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
} from '#shared/kubernetes/objects/webhook-configurations.ts';
import { type Finding, type Problem, unseen } from './finding.ts';
import type { InstallationFacts } from './installation-facts.ts';

const about = 'webhook';

/** Checks whether the API server calls the gateways as configured. */
export function checkWebhook({ webhook, ownNames, found, namespace }: InstallationFacts): Finding {
  if ('unseen' in webhook) return unseen(about, webhook.unseen);
  const config = found.config.webhook;
  const configuration = webhook.value;
  const name = configurationNameOf(config, configuration);
  const entry = configuration?.webhooks?.find((each) => each.name === webhookName);
  if (configuration === undefined || entry === undefined) {
    const missing =
      configuration === undefined ? `there is no ${kind} ${name}` : `${kind} ${name} has no ${webhookName}`;
    return { about, summary: 'missing', problems: [notAsked(missing, config)], facts: { exists: false } };
  }
  const desired = desiredWebhook(config, namespace, '');
  const paused = configuration.metadata.annotations?.[pausedAnnotation];
  const isTheirs = config.manage
    ? isOwnedByOthers(configuration, entry, desired)
    : targetsOtherService(entry, desired);
  const { drift, added, writers } = compare(
    configuration,
    entry,
    config.manage && !isTheirs ? desired : entry,
  );
  const isAdopted = storedEntry(configuration, webhookName) !== undefined;
  const authorities = readBundle(Buffer.from(entry.clientConfig.caBundle ?? '', 'base64').toString('utf8'));
  const { failurePolicy } = entry;
  return {
    about,
    summary: [
      `${name}: failurePolicy ${failurePolicy}`,
      `trusts ${authorities.length} CA${authorities.length === 1 ? '' : 's'}`,
      keeperWords({ paused, isTheirs, isAdopted }, config),
      ...(added.length === 0 ? [] : [`extra terms in ${added.join('; ')}`]),
    ].join(', '),
    problems: [
      ...(paused === undefined ? [] : [pausedProblem(name, paused)]),
      ...(isTheirs ? [theirs(name, config)] : []),
      ...adoptionProblems(configuration, config),
      ...(drift.length === 0 ? [] : [drifted(name, drift, writers)]),
      ...forgotten(name, ownNames, desired),
    ],
    facts: {
      exists: true,
      failurePolicy,
      paused: paused ?? null,
      adopted: isAdopted,
      drift,
      added,
      authorities: authorities.length,
    },
  };
}

const kind = 'MutatingWebhookConfiguration';

function keeperWords(
  seen: { paused: string | undefined; isTheirs: boolean; isAdopted: boolean },
  { manage }: LatchkeyConfig['webhook'],
): string {
  if (seen.paused !== undefined) return 'repair is PAUSED';
  if (seen.isTheirs) return "somebody else's";
  if (!manage) return 'managed elsewhere except for its caBundle (webhook.manage: false)';
  return seen.isAdopted ? 'adopted from Flyte, managed by cert-manager' : 'managed by cert-manager';
}

const notAsked = (message: string, { manage }: LatchkeyConfig['webhook']): Problem => ({
  message: `${message}: pods are admitted WITHOUT their secrets`,
  advice: manage
    ? 'check why cert-manager does not create it; `latchkey init-certs` creates it too'
    : 'webhook.manage is false: create it with GitOps',
});

const pausedProblem = (name: string, why: string): Problem => ({
  message: `reconciliation is paused${why === '' ? '' : ` ("${why}")`}: the configuration is not repaired, and a new CA is not distributed`,
  advice: `kubectl annotate mutatingwebhookconfiguration ${name} ${pausedAnnotation}-`,
});

const theirs = (name: string, { manage }: LatchkeyConfig['webhook']): Problem => ({
  message: `the entry ${webhookName} of ${kind} ${name} calls another service: latchkey is not called`,
  advice: manage
    ? "Flyte's own webhook? webhook.adopt takes its place: docs/migration.md"
    : 'set webhook.configurationName to the object that GitOps creates for latchkey',
});

/** Reports an annotation whose entry is not restored; the rest of the object is kept up to date. */
function adoptionProblems(
  configuration: MutatingWebhookConfiguration,
  { manage, adopt }: LatchkeyConfig['webhook'],
): Problem[] {
  const { name } = configuration.metadata;
  const isAdopted = storedEntry(configuration, webhookName) !== undefined;
  if (isAdopted && manage && !adopt) return [notGivenBack(name)];
  const message = adoptionProblem(configuration, webhookName);
  if (message === undefined) return [];
  const remove = `kubectl annotate mutatingwebhookconfiguration ${name} ${webhookAdoptionAnnotation}-`;
  return [{ message, advice: `docs/migration.md, "Roll back", or only: ${remove}` }];
}

const notGivenBack = (name: string): Problem => ({
  message: `webhook.adopt is false, and Flyte's entry in ${kind} ${name} has not been given back`,
  advice:
    'cert-manager gives it back within seconds, unless the API server refuses the entry: its log says `adopted entry cannot be given back` (docs/migration.md, "Roll back")',
});

/** Finds objects of ours under a name that is not used. They call the gateways with a bundle that nobody renews. */
const forgotten = (
  name: string,
  ownNames: InstallationFacts['ownNames'],
  desired: MutatingWebhook,
): Problem[] =>
  ownNames
    .filter(({ metadata, webhooks = [] }) => {
      const entry = webhooks.find((each) => each.name === webhookName);
      return metadata.name !== name && entry !== undefined && !targetsOtherService(entry, desired);
    })
    .map(({ metadata }) => ({
      message: `${kind} ${metadata.name} calls the gateways too, and its caBundle is not renewed: it refuses pods after the next rotation of the CA`,
      advice: `kubectl delete mutatingwebhookconfiguration ${metadata.name} (docs/upgrading.md)`,
    }));

const drifted = (
  name: string,
  fields: readonly string[],
  writers: readonly (string | undefined)[],
): Problem => {
  const others = [...new Set(writers.filter((writer) => writer !== undefined))];
  const by = others.length === 0 ? '' : `, written by ${others.join(', ')}`;
  return {
    message: `${kind} ${name} differs from the desired state in ${fields.join(', ')}${by}`,
    advice:
      'cert-manager repairs it within seconds unless it is down or paused; if another writer keeps changing it, only every few minutes: docs/runbook.md, "Another writer edits the webhook configuration"',
  };
};

/** Lists the fields that differ and their writers, and the selector terms of others. */
function compare(
  configuration: MutatingWebhookConfiguration,
  entry: MutatingWebhook,
  desired: MutatingWebhook,
): { drift: string[]; added: string[]; writers: (string | undefined)[] } {
  const drift = findWebhookDrift(entry, withBundleOf(entry, desired)).map(({ field }) => field);
  const writers = drift.map((field) => fieldWriter(configuration, `webhooks.${field}`));
  return { drift, added: addedTerms(entry, desired), writers };
}

/** Ignores the bundle, which the check of the leaf covers. */
function withBundleOf(entry: MutatingWebhook, desired: MutatingWebhook): MutatingWebhook {
  const { caBundle: _, ...address } = desired.clientConfig;
  const { caBundle } = entry.clientConfig;
  return { ...desired, clientConfig: { ...address, ...(caBundle === undefined ? {} : { caBundle }) } };
}
