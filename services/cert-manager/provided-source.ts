import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import { certificateIssuers } from '#shared/certificates/certificate-issuers.ts';
import { isDueForRenewal } from '#shared/certificates/certificate-problem.ts';
import { serverName } from '#shared/certificates/serving-names.ts';
import { createOwnerReader } from '#shared/installation/owner-reader.ts';
import { nonEmptySecret, readTlsSecret } from '#shared/installation/tls-secret.ts';
import { adoptionProblem } from '#shared/installation/webhook-adoption.ts';
import { webhookName } from '#shared/installation/webhook-configuration.ts';
import { applyAction } from './apply/apply-action.ts';
import { createOwnerWriter } from './apply/owner-writer.ts';
import {
  type CertificateSource,
  type CertificateStatus,
  earlierMs,
  expiryMsOf,
  type SourceOptions,
} from './certificate-source.ts';
import { notServing } from './decide/not-serving.ts';
import { providedAction } from './decide/provided-action.ts';
import { type RotationFacts, servedCondition } from './decide/rotation-facts.ts';
import { createSteadyConditions } from './decide/steady-conditions.ts';
import { type ObservedState, observe, unseenRecheckMs } from './observe/observe.ts';
import { readEndpoints } from './observe/read-rotation-facts.ts';
import { readServingFacts } from './observe/read-serving-facts.ts';
import { readWebhookFacts, unseenWebhookFacts } from './observe/read-webhook-facts.ts';

type ProvidedFacts = Pick<RotationFacts, 'serving' | 'webhook' | 'endpoints'>;

/** Warns after this fraction of a provided certificate's life, by which it should have been renewed. */
const lateAt = 0.9;
/** Bounds the actions of one reconcile: create, repair, observe. */
const mostActions = 4;
const nothingKnown = { ca: undefined, serving: undefined };

/**
 * Keeps the webhook configuration beside a serving Secret that it only reads. Others write that Secret, for example
 * cert-manager.io or a company CA.
 */
export function createProvidedSource(options: SourceOptions): CertificateSource {
  const { kubernetes, config, namespace, served, repairs, log, clock } = options;
  const connectionWaitMs = config.tls.rotation.connectionWaitSeconds * 1_000;
  const conditions = createSteadyConditions();
  const readOwner = createOwnerReader(kubernetes);
  const owner = createOwnerWriter(options);
  let last: { facts: ProvidedFacts; observed: ObservedState } | undefined;
  let problems: string[] = [];

  const observeFacts = async () => {
    const observed = await observe({ ...options, readOwner });
    last = { facts: factsOf(observed, options), observed };
    const context = {
      kubernetes,
      config,
      namespace,
      served,
      repairs,
      log,
      observed,
      lastKnownGood: nothingKnown,
      nowMs: clock.now(),
    };
    return { ...last, context };
  };
  const logNew = (found: string[]): void => {
    for (const problem of found.filter((each) => !problems.includes(each))) {
      log.warn({ secret: config.tls.servingSecretName, problem }, 'provided certificate needs attention');
    }
    problems = found;
  };

  return {
    status: () => last && { ...statusOf(last.facts, last.observed, problems), undone: repairs.undone() },
    reconcile: async () => {
      for (let actions = 0; actions < mostActions; actions += 1) {
        const { facts, observed, context } = await observeFacts();
        const leaf = facts.serving?.leaf.id ?? '';
        const holding = notServing(facts, leaf).length === 0 ? [servedCondition(leaf)] : [];
        const steadyForMs = conditions.note(holding, clock.monotonicMs());
        const action = providedAction(facts, steadyForMs, connectionWaitMs);
        if (action.kind === 'repair-webhook') await applyAction(action, context);
        else {
          logNew(problemsOf(action.problem, observed, options));
          await owner.write(observed);
          const restMs = earlierMs(repairs.restMs(), owner.restMs());
          const recheckMs = earlierMs(action.recheckMs, restMs);
          const { unseen } = observed;
          return unseen.serving === undefined && unseen.webhook === undefined
            ? recheckMs
            : earlierMs(recheckMs, unseenRecheckMs);
        }
      }
      return 0;
    },
  };
}

function factsOf(
  observed: ObservedState,
  { config, namespace, served, repairs, clock }: SourceOptions,
): ProvidedFacts {
  const nowMs = clock.now();
  const serving = nonEmptySecret(observed.serving);
  const stored = serving && readTlsSecret(serving);
  const issuers =
    stored === undefined ? [] : certificateIssuers(stored.pair.certificate, readBundle(stored.bundle));
  const context = {
    nowMs,
    renewAt: lateAt,
    names: [serverName(config.webhook, namespace)],
    acceptable: issuers,
    known: issuers,
  };
  const trusted = readBundle(stored?.bundle ?? '').map(certificateId);
  return {
    serving: serving && readServingFacts(serving, context),
    webhook:
      observed.unseen.webhook === undefined
        ? readWebhookFacts(observed.webhook, config.webhook, namespace, nowMs, repairs.deferred(trusted))
        : unseenWebhookFacts(observed.unseen.webhook),
    endpoints: readEndpoints(observed, { config, served }),
  };
}

const problemsOf = (
  problem: string | undefined,
  observed: ObservedState,
  options: SourceOptions,
): string[] => [
  ...certificateProblems(problem, observed, options),
  ...[adoptionProblem(observed.webhook, webhookName) ?? []].flat(),
];

function certificateProblems(
  problem: string | undefined,
  { serving, unseen }: ObservedState,
  { config, clock }: SourceOptions,
): string[] {
  if (unseen.serving !== undefined) return [unseen.serving];
  const secret = `Secret ${config.tls.servingSecretName}`;
  if (problem !== undefined) return [`${secret} cannot be used: ${problem}; the bundle stays as it is`];
  const isLate = serving !== undefined && isDueForRenewal(readTlsSecret(serving).pair, clock.now(), lateAt);
  return isLate ? [`the certificate in ${secret} expires soon: nine tenths of its life are over`] : [];
}

const statusOf = (
  facts: ProvidedFacts,
  { serving, unseen }: ObservedState,
  problems: readonly string[],
): Omit<CertificateStatus, 'undone'> => ({
  phase: undefined,
  notServing: facts.serving === undefined ? [] : notServing(facts, facts.serving.leaf.id),
  unmanagedReason: facts.webhook.unmanagedReason,
  isCalled: facts.webhook.trusted !== undefined && unseen.webhook === undefined,
  problems,
  unwritable: [],
  refused: [],
  expiresMs: { ca: undefined, leaf: expiryMsOf(serving) },
});
