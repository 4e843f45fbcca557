import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { createOwnerReader } from '#shared/installation/owner-reader.ts';
import { adoptionProblem } from '#shared/installation/webhook-adoption.ts';
import { webhookName } from '#shared/installation/webhook-configuration.ts';
import { type ActionContext, applyAction } from './apply/apply-action.ts';
import { createOwnerWriter } from './apply/owner-writer.ts';
import {
  type CertificateSource,
  type CertificateStatus,
  earlierMs,
  expiryMsOf,
  type SourceOptions,
} from './certificate-source.ts';
import { holdingConditions, needsRepair, nextAction } from './decide/next-action.ts';
import { notServing } from './decide/not-serving.ts';
import { repairCa } from './decide/repair-ca.ts';
import type { Action, RotationFacts, RotationPolicy } from './decide/rotation-facts.ts';
import { createSteadyConditions } from './decide/steady-conditions.ts';
import { sparableWrites, withoutRefused } from './decide/without-refused.ts';
import { type ObservedState, observe, unseenRecheckMs } from './observe/observe.ts';
import { type LastKnownGood, readRotationFacts } from './observe/read-rotation-facts.ts';
import { createRefusedWrites, type RefusedWrites } from './observe/refused-writes.ts';

/** Bounds the actions of one reconcile: an installation takes five, more are a fight with another writer. */
const mostActions = 12;

const policyOf = ({ rotation }: LatchkeyConfig['tls']): RotationPolicy => ({
  trustWaitMs: rotation.trustWaitSeconds * 1_000,
  connectionWaitMs: rotation.connectionWaitSeconds * 1_000,
  overlapMs: rotation.overlapHours * 3_600_000,
});

/**
 * Issues the certificates from a CA of its own. It observes, decides, writes one object, and observes again until nothing
 * is left to do. Its memory only serves to restore a Secret that somebody deletes or breaks.
 */
export function createSelfSignedSource(options: SourceOptions): CertificateSource {
  const { kubernetes, config, namespace, served, repairs, log, clock } = options;
  const policy = policyOf(config.tls);
  const conditions = createSteadyConditions();
  const readOwner = createOwnerReader(kubernetes);
  const owner = createOwnerWriter(options);
  const refused = createRefusedWrites(clock);
  let lastKnownGood: LastKnownGood = { ca: undefined, serving: undefined };
  let last: { facts: RotationFacts; observed: ObservedState } | undefined;

  const observeFacts = async (): Promise<{ facts: RotationFacts; context: ActionContext }> => {
    const observed = await observe({ ...options, readOwner });
    const nowMs = clock.now();
    const context = { kubernetes, config, namespace, served, repairs, log, observed, lastKnownGood, nowMs };
    const read = readRotationFacts(observed, lastKnownGood, context);
    if (read.ca !== undefined && !needsRepair(read.webhook, read.ca)) refused.forget('repair-webhook');
    const facts = withoutRefused(read, refused);
    logUnseen(observed, last?.observed, log);
    logAdoption(observed, last?.observed, log);
    logRefusals(facts, last?.facts, config.tls, log);
    last = { facts, observed };
    lastKnownGood = {
      // A CA Secret that needs a repair is not remembered: the repair may lose a race.
      ca: facts.ca !== undefined && repairCa(facts) === undefined ? observed.ca : lastKnownGood.ca,
      serving:
        facts.serving !== undefined && facts.serving.leaf.problem === undefined
          ? observed.serving
          : lastKnownGood.serving,
    };
    return { facts, context };
  };

  /** Carries out an action; one that the API server refuses is left for a while, and the rest goes on. */
  const apply = async (action: Exclude<Action, { kind: 'wait' }>, context: ActionContext): Promise<void> => {
    try {
      await applyAction(action, context);
      refused.forget(action.kind);
    } catch (err) {
      if (!refused.note(action.kind, err)) throw err;
      log.error({ err, write: action.kind }, 'write refused, going on without it');
    }
  };

  return {
    status: () => last && statusOf(last.facts, last.observed, refused, repairs.undone()),
    reconcile: async () => {
      let patched = false;
      for (let actions = 0; actions < mostActions; actions += 1) {
        const { facts, context } = await observeFacts();
        const steadyForMs = conditions.note(holdingConditions(facts), clock.monotonicMs());
        const action = nextAction(facts, steadyForMs, policy);
        if (action.kind === 'wait') {
          refused.forgetDue();
          await owner.write(context.observed);
          const restMs = earlierMs(earlierMs(repairs.restMs(), refused.restMs()), owner.restMs());
          const recheckMs = earlierMs(action.recheckMs, restMs);
          return hasUnseen(context.observed) ? earlierMs(recheckMs, unseenRecheckMs) : recheckMs;
        }
        // Each bundle costs the API server a transport (docs/reference/kube-apiserver.md C4): a fight over it stays slow.
        if (action.kind === 'repair-webhook' && patched) return 0;
        patched ||= action.kind === 'repair-webhook';
        await apply(action, context);
      }
      return 0;
    },
  };
}

const hasUnseen = ({ unseen }: ObservedState): boolean =>
  unseen.serving !== undefined || unseen.webhook !== undefined;

const statusOf = (
  facts: RotationFacts,
  { ca, serving, webhook, unseen }: ObservedState,
  refused: RefusedWrites,
  undone: CertificateStatus['undone'],
): CertificateStatus => ({
  phase: facts.ca?.state.phase,
  notServing: facts.serving === undefined ? [] : notServing(facts, facts.serving.leaf.id),
  unmanagedReason: facts.webhook.unmanagedReason,
  isCalled: facts.webhook.trusted !== undefined && unseen.webhook === undefined,
  problems: [adoptionProblem(webhook, webhookName) ?? []].flat(),
  unwritable: [
    ...new Set(
      [
        ...Object.values(facts.unwritable ?? {}),
        unseen.webhook,
        ...sparableWrites.map((write) => refused.find(write)?.reason),
      ].filter((reason) => reason !== undefined),
    ),
  ],
  refused: sparableWrites.map((write) => ({ write, count: refused.find(write)?.count ?? 0 })),
  undone,
  expiresMs: { ca: expiryMsOf(ca), leaf: expiryMsOf(serving) },
});

/** Logs once that an object may not be read: the rest goes on. */
function logUnseen({ unseen }: ObservedState, before: ObservedState | undefined, log: Logger): void {
  for (const object of ['serving', 'webhook'] as const) {
    const reason = unseen[object];
    if (reason !== undefined && reason !== before?.unseen[object]) {
      log.error({ reason }, 'object may not be read, going on without it');
    }
  }
}

/** Logs once that an adopted entry cannot be given back. */
function logAdoption({ webhook }: ObservedState, before: ObservedState | undefined, log: Logger): void {
  const problem = adoptionProblem(webhook, webhookName);
  if (problem !== undefined && problem !== adoptionProblem(before?.webhook, webhookName)) {
    log.warn({ problem }, 'adopted entry cannot be given back');
  }
}

/** Logs once that a Secret is refused. */
function logRefusals(
  { ca, serving }: RotationFacts,
  before: RotationFacts | undefined,
  tls: LatchkeyConfig['tls'],
  log: Logger,
): void {
  const caProblem = ca?.issuing.problem;
  if (caProblem !== undefined && caProblem !== before?.ca?.issuing.problem) {
    log.error({ secret: tls.caSecretName, problem: caProblem }, 'CA Secret refused');
  }
  const problem = serving?.leaf.problem;
  if (problem !== undefined && problem !== before?.serving?.leaf.problem) {
    log.error({ secret: tls.servingSecretName, problem }, 'serving Secret refused');
  }
}
