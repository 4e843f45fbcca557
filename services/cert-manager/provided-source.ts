import { certificateId, readBundle } from '#shared/certificates/ca-bundle.ts';
import { isDueForRenewal } from '#shared/certificates/certificate-checks.ts';
import { issuersOf } from '#shared/certificates/certificate-issuers.ts';
import { calledName } from '#shared/certificates/serving-names.ts';
import { filledSecret, readPairSecret } from '#shared/installation/tls-secret.ts';
import { applyAction } from './apply/apply-action.ts';
import {
  type CertificateKeeper,
  earlierMs,
  expiryMsOf,
  type KeeperOptions,
  type Standing,
} from './certificate-source.ts';
import { notServing } from './decide/not-serving.ts';
import { providedAction } from './decide/provided-action.ts';
import { type Facts, serve } from './decide/rotation-facts.ts';
import { createSteadyConditions } from './decide/steady-conditions.ts';
import { type ObservedState, observe } from './observe/observe.ts';
import { readEndpoints } from './observe/read-rotation-facts.ts';
import { readServingFacts } from './observe/read-serving-facts.ts';
import { readWebhookFacts } from './observe/read-webhook-facts.ts';

type ProvidedFacts = Pick<Facts, 'serving' | 'webhook' | 'endpoints'>;

/** Fraction of its life after which whoever provides a certificate should have renewed it. */
const lateAt = 0.9;
/** Made, repaired, looked at. */
const longestRun = 4;
const nothingKnown = { ca: undefined, serving: undefined };

/**
 * Keeps the webhook configuration beside a serving Secret that others write (cert-manager.io, a company CA), which it
 * only reads.
 */
export function createProvidedKeeper(options: KeeperOptions): CertificateKeeper {
  const { kubernetes, config, namespace, served, repairs, log, clock } = options;
  const connectionWaitMs = config.tls.rotation.connectionWaitSeconds * 1_000;
  const conditions = createSteadyConditions();
  let last: { facts: ProvidedFacts; observed: ObservedState } | undefined;
  let problems: string[] = [];

  const observeFacts = async () => {
    const observed = await observe(options);
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
  const tell = (found: string[]): void => {
    for (const problem of found.filter((each) => !problems.includes(each))) {
      log.warn({ secret: config.tls.servingSecretName, problem }, 'the provided certificate needs attention');
    }
    problems = found;
  };

  return {
    standing: () => last && { ...standingOf(last.facts, last.observed, problems), undone: repairs.undone() },
    run: async () => {
      for (let actions = 0; actions < longestRun; actions += 1) {
        const { facts, observed, context } = await observeFacts();
        const leaf = facts.serving?.leaf.id ?? '';
        const holding = notServing(facts, leaf).length === 0 ? [serve(leaf)] : [];
        const steadyForMs = conditions.note(holding, clock.monotonicMs());
        const action = providedAction(facts, steadyForMs, connectionWaitMs);
        if (action.kind === 'repair-webhook') await applyAction(action, context);
        else {
          tell(problemsOf(action.problem, observed, options));
          return earlierMs(action.recheckMs, repairs.restMs());
        }
      }
      return 0;
    },
  };
}

function factsOf(
  observed: ObservedState,
  { config, namespace, served, repairs, clock }: KeeperOptions,
): ProvidedFacts {
  const nowMs = clock.now();
  const serving = filledSecret(observed.serving);
  const stored = serving && readPairSecret(serving);
  const issuers = stored === undefined ? [] : issuersOf(stored.pair.certificate, readBundle(stored.bundle));
  const context = {
    nowMs,
    renewAt: lateAt,
    names: [calledName(config.webhook, namespace)],
    acceptable: issuers,
    known: issuers,
  };
  const trusted = readBundle(stored?.bundle ?? '').map(certificateId);
  return {
    serving: serving && readServingFacts(serving, context),
    webhook: readWebhookFacts(observed.webhook, config.webhook, namespace, nowMs, repairs.deferred(trusted)),
    endpoints: readEndpoints(observed, { config, served }),
  };
}

function problemsOf(
  problem: string | undefined,
  { serving }: ObservedState,
  { config, clock }: KeeperOptions,
): string[] {
  const secret = `Secret ${config.tls.servingSecretName}`;
  if (problem !== undefined) return [`${secret} cannot be used: ${problem}; the bundle stays as it is`];
  const isLate = serving !== undefined && isDueForRenewal(readPairSecret(serving).pair, clock.now(), lateAt);
  return isLate ? [`the certificate in ${secret} expires soon: nine tenths of its life are over`] : [];
}

const standingOf = (
  facts: ProvidedFacts,
  { serving }: ObservedState,
  problems: readonly string[],
): Omit<Standing, 'undone'> => ({
  phase: undefined,
  notServing: facts.serving === undefined ? [] : notServing(facts, facts.serving.leaf.id),
  unmanagedReason: facts.webhook.unmanagedReason,
  called: facts.webhook.trusted !== undefined,
  problems,
  unwritable: [],
  expiresMs: { ca: undefined, leaf: expiryMsOf(serving) },
});
