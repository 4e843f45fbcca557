import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { type StepContext, writeCa, writeServing, writeWebhook } from './apply-step.ts';
import { lookAtCluster } from './look.ts';
import { holdingConditions, nextStep } from './next-step.ts';
import { type HeldSecrets, readFacts } from './read-facts.ts';
import type { Facts, RotationPolicy } from './rotation-facts.ts';
import type { ServedCertificates } from './served-certificates.ts';
import { createSteadyConditions, longestLookMs } from './steady-conditions.ts';

/** Keeps certificates, and says how they stand. */
export interface CertificateKeeper {
  /** Does what can be done now; returns when to look again though nothing is heard, ms; undefined: at the next tick. */
  run(): Promise<number | undefined>;
  /** What was seen last. */
  facts(): Facts | undefined;
}

export interface KeeperOptions {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  namespace: string;
  served: ServedCertificates;
  log: Logger;
  clock: Clock;
}

/** An installation takes five; more in a row are a fight with another writer. */
const longestRun = 12;

const policyOf = ({ rotation }: LatchkeyConfig['tls']): RotationPolicy => ({
  trustWaitMs: rotation.trustWaitSeconds * 1_000,
  connectionWaitMs: rotation.connectionWaitSeconds * 1_000,
  overlapMs: rotation.overlapHours * 3_600_000,
});

/**
 * Issues the certificates itself: looks, decides, writes one object, and looks again until nothing is left to do. What it
 * remembers only saves a Secret that somebody deletes or breaks.
 */
export function createCertificateIssuer(options: KeeperOptions): CertificateKeeper {
  const { kubernetes, config, namespace, served, log, clock } = options;
  const policy = policyOf(config.tls);
  const conditions = createSteadyConditions();
  let held: HeldSecrets = { ca: undefined, serving: undefined };
  let last: Facts | undefined;

  const look = async (): Promise<{ facts: Facts; context: StepContext }> => {
    for (;;) {
      const begunMs = clock.monotonicMs();
      const seen = await lookAtCluster(kubernetes, config, namespace);
      if (clock.monotonicMs() - begunMs > longestLookMs) continue;
      const context = { kubernetes, config, namespace, served, log, look: seen, held, nowMs: clock.now() };
      const facts = readFacts(seen, held, context);
      tellRefusals(facts, last, config.tls, log);
      last = facts;
      held = {
        ca: facts.ca !== undefined && facts.ca.issuing.problem === undefined ? seen.ca : held.ca,
        serving:
          facts.serving !== undefined && facts.serving.leaf.problem === undefined
            ? seen.serving
            : held.serving,
      };
      return { facts, context };
    }
  };

  const runStep = async (): Promise<{ done: true; recheckMs: number | undefined } | { done: false }> => {
    const { facts, context } = await look();
    const step = nextStep(facts, conditions.note(holdingConditions(facts), clock.monotonicMs()), policy);
    if (step.write === undefined) return { done: true, recheckMs: step.recheckMs };
    if (step.write === 'ca') await writeCa(step, context);
    else if (step.write === 'webhook') await writeWebhook(step, context);
    else await writeServing(step, context);
    return { done: false };
  };

  return {
    facts: () => last,
    run: async () => {
      for (let steps = 0; steps < longestRun; steps += 1) {
        const result = await runStep();
        if (result.done) return result.recheckMs;
      }
      return 0;
    },
  };
}

/** Tells of a Secret that is refused, once. */
function tellRefusals(
  { ca, serving }: Facts,
  before: Facts | undefined,
  tls: LatchkeyConfig['tls'],
  log: Logger,
): void {
  const caProblem = ca?.issuing.problem;
  if (caProblem !== undefined && caProblem !== before?.ca?.issuing.problem) {
    log.error({ secret: tls.caSecretName, problem: caProblem }, 'refusing the CA in its Secret');
  }
  const problem = serving?.leaf.problem;
  if (problem !== undefined && problem !== before?.serving?.leaf.problem) {
    log.error({ secret: tls.servingSecretName, problem }, 'refusing the certificate in the serving Secret');
  }
}
