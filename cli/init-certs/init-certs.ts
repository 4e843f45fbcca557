import { X509Certificate } from 'node:crypto';
import { pino } from 'pino';
import { certificateId } from '#shared/certificates/ca-bundle.ts';
import { certificateDates } from '#shared/certificates/certificate-dates.ts';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { ensureWebhook } from '#shared/installation/ensure-webhook.ts';
import { findWebhookConfiguration } from '#shared/installation/find-webhook-configuration.ts';
import { type TlsSecretContent, tlsSecret } from '#shared/installation/tls-secret.ts';
import { configurationNameOf, skipReason } from '#shared/installation/webhook-configuration.ts';
import { writeSecret } from '#shared/installation/write-secret.ts';
import { readObject } from '#shared/kubernetes/objects/read-objects.ts';
import type { MutatingWebhookConfiguration } from '#shared/kubernetes/objects/webhook-configurations.ts';
import type { Secret } from '#shared/kubernetes/requests/kubernetes-object.ts';
import type { Installation } from '../installation.ts';
import {
  bundleOf,
  type CertificateFacts,
  type CertificatePlan,
  planCertificates,
  type SecretPlan,
} from './certificate-plan.ts';
import { type IssuePairOptions, newCa, newLeaf } from './issue-pair.ts';

/** Reports what was done to one object. */
export interface Outcome {
  kind: 'Secret' | 'MutatingWebhookConfiguration';
  name: string;
  action: 'created' | 'replaced' | 'kept' | 'repaired' | 'left';
  /** Why it was left although it differs. */
  reason?: string;
  /** Fingerprint (SHA-256 of the DER bytes) and end (ISO 8601) of the certificate in a Secret. */
  fingerprint?: string;
  validTo?: string;
}

type InitOptions = IssuePairOptions & { installation: Installation; force: boolean };

/** Bounds the attempts while cert-manager, or another init-certs, writes the same objects. */
const mostTries = 5;

/**
 * Creates the CA Secret, the bundle in the webhook configuration and the serving Secret, where they are missing or
 * empty. It writes them in this order. Uses (get, update) of secrets, (create) where one is missing, with `force`
 * (delete) of one that is immutable, and (get, create, patch) of mutatingwebhookconfigurations.
 * @throws CERTIFICATE_INVALID when an existing Secret cannot be used, before anything is written
 */
export async function initCerts(options: InitOptions): Promise<Outcome[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await initOnce(options);
    } catch (err) {
      if (tries === mostTries || !isRace(err)) throw err;
    }
  }
}

/** Recognises a lost race. 409: the object exists by now, or has changed. 422: a `test` of a patch fails. */
const isRace = (err: unknown): boolean =>
  err instanceof LatchkeyError && [409, 422].includes(Number(err.fields.statusCode));

async function initOnce(options: InitOptions): Promise<Outcome[]> {
  const { config, installation, nowMs } = options;
  const { caSecretName, servingSecretName } = config.tls;
  const facts = await readCertificateFacts(installation, config);
  const plan = planCertificates(facts, options);
  if (!options.force) refuseBroken(plan, options);

  const write = async (
    name: string,
    existing: Secret | undefined,
    { action }: SecretPlan,
    made: TlsSecretContent,
  ) => {
    const secret = tlsSecret({ namespace: installation.namespace, name }, made, existing);
    if (action !== 'keep') await writeSecret(installation.kubernetes, secret, existing);
    return secretOutcome(name, action, made);
  };
  const ca = await caToUse(plan, options);
  const caOutcome = await write(caSecretName, facts.ca, plan.ca, ca);
  const webhookOutcome = await initWebhook(options, facts.webhook, bundleOf(ca, nowMs));
  const leaf = plan.serving.action === 'keep' ? plan.serving.stored : await newLeaf(options, ca);
  const leafOutcome = await write(servingSecretName, facts.serving, plan.serving, leaf);
  return [caOutcome, leafOutcome, webhookOutcome];
}

async function caToUse(
  { ca, trusted }: CertificatePlan,
  options: IssuePairOptions,
): Promise<TlsSecretContent> {
  if (ca.action !== 'keep') return newCa(options, trusted);
  const { pair } = ca.stored;
  return { pair, bundle: bundleOf(ca.stored, options.nowMs) };
}

async function readCertificateFacts(
  { kubernetes, namespace }: Installation,
  { tls, webhook }: LatchkeyConfig,
): Promise<CertificateFacts> {
  const readSecret = (name: string) =>
    readObject<Secret>(kubernetes, { resource: 'secrets', namespace, name });
  const [ca, serving, configuration] = await Promise.all([
    readSecret(tls.caSecretName),
    readSecret(tls.servingSecretName),
    findWebhookConfiguration(kubernetes, webhook),
  ]);
  return { ca, serving, webhook: configuration };
}

function refuseBroken(plan: CertificatePlan, { config: { tls }, namespace }: IssuePairOptions): void {
  const broken = [
    { name: tls.caSecretName, plan: plan.ca },
    { name: tls.servingSecretName, plan: plan.serving },
  ].flatMap((each) =>
    each.plan.action === 'replace' ? [`Secret ${each.name} is invalid: ${each.plan.broken}`] : [],
  );
  if (broken.length === 0) return;
  throw new LatchkeyError(
    'CERTIFICATE_INVALID',
    `in namespace ${namespace} ${broken.join('; ')}. Nothing was changed: repair or delete it, or use --force to replace it`,
  );
}

async function initWebhook(
  { installation, config }: InitOptions,
  existing: MutatingWebhookConfiguration | undefined,
  bundle: string,
): Promise<Outcome> {
  const { webhook } = config;
  const about = {
    kind: 'MutatingWebhookConfiguration',
    name: configurationNameOf(webhook, existing),
  } as const;
  const reason = skipReason(existing, webhook, installation.namespace);
  if (reason !== undefined) return { ...about, action: 'left', reason };
  const log = pino({ level: 'silent' });
  const stored = await ensureWebhook({ ...installation, webhook, log }, existing, bundle);
  if (existing === undefined) return { ...about, action: 'created' };
  return { ...about, action: stored === existing ? 'kept' : 'repaired' };
}

const done = { keep: 'kept', create: 'created', replace: 'replaced' } as const;

function secretOutcome(name: string, action: SecretPlan['action'], { pair }: TlsSecretContent): Outcome {
  const certificate = new X509Certificate(pair.certificate);
  const dates = certificateDates(certificate);
  return {
    kind: 'Secret',
    name,
    action: done[action],
    fingerprint: certificateId(certificate),
    ...(dates === undefined ? {} : { validTo: new Date(dates.validToMs).toISOString() }),
  };
}
