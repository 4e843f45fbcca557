import type { X509Certificate } from 'node:crypto';
import type { Logger } from 'pino';
import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import {
  generateRsaKeys,
  issueCaCertificate,
  issueLeafCertificate,
} from '#shared/certificates/issue-certificate.ts';
import { isMatchingPair, type KeyPair } from '#shared/certificates/key-pair.ts';
import { servingNames } from '#shared/certificates/serving-names.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { leafStateAnnotation } from '#shared/contracts/kubernetes/rotation-state.ts';
import { ensureWebhook } from '#shared/installation/ensure-webhook.ts';
import { nonEmptySecret, readTlsSecret, tlsSecret } from '#shared/installation/tls-secret.ts';
import { updateSecret } from '#shared/installation/write-secret.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import { type ActionOf, newCa, type WriteKind } from '../decide/rotation-facts.ts';
import type { ObservedState } from '../observe/observe.ts';
import { keyPairId, readCaPairs } from '../observe/read-ca-facts.ts';
import { type FactsContext, knownCas, type LastKnownGood } from '../observe/read-rotation-facts.ts';
import { caSecret } from './ca-secret.ts';

const dayMs = 86_400_000;

type Executors = {
  [Kind in WriteKind]: (action: ActionOf<Kind>, context: ActionContext) => Promise<void>;
};

/** Holds what an action is carried out with, among it the state that it was decided on. */
export interface ActionContext extends FactsContext {
  kubernetes: Kubernetes;
  log: Logger;
  observed: ObservedState;
  lastKnownGood: LastKnownGood;
}

const executors: Executors = {
  'write-ca-secret': writeCaSecret,
  'repair-webhook': repairWebhook,
  'write-serving-secret': writeServingSecret,
};

/** Carries out an action: one write, whose precondition is the observed resourceVersion. */
export async function applyAction<Kind extends WriteKind>(
  action: ActionOf<Kind>,
  context: ActionContext,
): Promise<void> {
  const execute: Executors[Kind] = executors[action.kind];
  await execute(action, context);
}

/** Writes the CA Secret. Uses (update) of secrets; throws as {@link updateSecret}. */
async function writeCaSecret(action: ActionOf<'write-ca-secret'>, context: ActionContext): Promise<void> {
  const { kubernetes, log, observed, lastKnownGood, config, namespace, nowMs } = context;
  const { tls } = config;
  const made = [action.issuing, action.next].includes(newCa)
    ? issueCaCertificate(await generateRsaKeys(tls.keyBits), nowMs, tls.caLifetimeDays * dayMs)
    : undefined;
  const stored = [observed.ca, lastKnownGood.ca]
    .map(nonEmptySecret)
    .flatMap((secret) => (secret === undefined ? [] : Object.values(readCaPairs(secret))))
    .filter((pair) => pair !== undefined);
  const pairOf = (id: string): KeyPair | undefined => (id === newCa ? made : matchingPair(id, stored));
  const issuing = pairOf(action.issuing);
  if (issuing === undefined) throw unknown(`the key of the CA ${action.issuing}`);
  const next = action.next === undefined ? undefined : pairOf(action.next);
  const known = [
    ...knownCas(observed, lastKnownGood, context),
    ...[issuing, next].flatMap((pair) => readBundle(pair?.certificate ?? '')),
  ];
  const ids = action.bundle.map((id) => (id === newCa && made !== undefined ? keyPairId(made) : id));
  const target = { namespace, name: tls.caSecretName };
  const secret = caSecret(
    target,
    { issuing, next, bundle: toPem(ids, known), state: action.state },
    observed.ca,
  );
  if (!(await updateSecret(kubernetes, secret, observed.ca))) return;
  const { phase, rotation, waitingFor } = action.state;
  log.info(
    { secret: target.name, why: action.why, phase, rotation, waitingFor, bundle: ids },
    'CA Secret written',
  );
}

/** Creates or repairs the webhook configuration. Uses (create, patch) of mutatingwebhookconfigurations. */
async function repairWebhook(action: ActionOf<'repair-webhook'>, context: ActionContext): Promise<void> {
  const { observed, lastKnownGood, config, namespace, kubernetes, log, repairs } = context;
  const bundle = toPem(action.bundle, knownCas(observed, lastKnownGood, context));
  const options = {
    kubernetes,
    webhook: config.webhook,
    namespace,
    log,
    deferred: repairs.deferred(action.bundle),
    owner: observed.owner,
    onRepaired: (fields: readonly string[]) => repairs.repaired(fields, action.bundle, observed.webhook),
    onNotRestored: repairs.notRestored,
  };
  await ensureWebhook(options, observed.webhook, bundle);
}

/** Writes the serving Secret. Uses (update) of secrets; throws as {@link updateSecret}. */
async function writeServingSecret(
  action: ActionOf<'write-serving-secret'>,
  context: ActionContext,
): Promise<void> {
  const { kubernetes, log, observed, lastKnownGood, config, namespace, nowMs } = context;
  const target = { namespace, name: config.tls.servingSecretName };
  const pair = 'id' in action.leaf ? storedLeaf(action.leaf.id, context) : await newLeaf(context);
  const fingerprint = keyPairId(pair);
  const issuedAt = 'id' in action.leaf ? action.leaf.issuedAt : new Date(nowMs).toISOString();
  const annotations = { [leafStateAnnotation]: JSON.stringify({ ...action.state, fingerprint, issuedAt }) };
  const bundle = toPem(action.bundle, knownCas(observed, lastKnownGood, context));
  const secret = tlsSecret({ ...target, annotations }, { pair, bundle }, observed.serving);
  if (!(await updateSecret(kubernetes, secret, observed.serving))) return;
  const { served, waitingFor } = action.state;
  log.info(
    { secret: target.name, why: action.why, fingerprint, served, waitingFor },
    'serving Secret written',
  );
}

async function newLeaf({ observed, config, namespace, nowMs }: ActionContext): Promise<KeyPair> {
  const { tls, webhook } = config;
  if (observed.ca === undefined) throw unknown('the CA');
  const keys = await generateRsaKeys(tls.keyBits);
  const names = servingNames(webhook, namespace);
  return issueLeafCertificate(
    keys,
    readCaPairs(observed.ca).issuing,
    names,
    nowMs,
    tls.leafLifetimeDays * dayMs,
  );
}

function storedLeaf(id: string, { observed, lastKnownGood }: ActionContext): KeyPair {
  const secrets = [observed.serving, lastKnownGood.serving].filter((secret) => secret !== undefined);
  const pair = matchingPair(
    id,
    secrets.map((secret) => readTlsSecret(secret).pair),
  );
  if (pair === undefined) throw unknown(`the leaf ${id}`);
  return pair;
}

/** Makes the error for an action that names what neither the observed state nor the memory holds. */
const unknown = (what: string): LatchkeyError =>
  new LatchkeyError('INTERNAL', `${what} is neither in the Secrets nor remembered`);

/** Finds the matching key pair of an id; a torn pair may hold the same certificate. */
const matchingPair = (id: string, pairs: readonly KeyPair[]): KeyPair | undefined =>
  pairs.find((pair) => keyPairId(pair) === id && isMatchingPair(pair));

function toPem(ids: readonly string[], known: readonly X509Certificate[]): string {
  const texts = new Map(known.map((certificate) => [certificateId(certificate), certificate.toString()]));
  return ids
    .map((id) => {
      const text = texts.get(id);
      if (text === undefined) throw unknown(`the CA ${id}`);
      return text;
    })
    .join('');
}
