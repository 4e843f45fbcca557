import type { ChangingSecret } from './changing-secret.ts';
import type { GatewayAnswers } from './gateway-answers.ts';
import type { Disturbance } from './probe-judgement.ts';
import type { Prober } from './prober.ts';
import type { RuleAges } from './rule-ages.ts';

/** One fault: what strikes, and what heals it when it does not heal by itself. */
export interface Fault extends Omit<Disturbance, 'sinceMs'> {
  strike(): Promise<unknown>;
  /** While it lasts, after a Secret was created and one deleted. */
  meanwhile?(created: ChangingSecret, deleted: ChangingSecret): Promise<unknown>;
  heal?(): Promise<unknown>;
}

/** ms from the strike until it was healed, until every gateway answered rightly, and until from knowledge gained then. */
export interface Recovery {
  healedMs: number;
  convergedMs: number;
  freshMs: number;
}

/** What observes the recovery. */
interface Observers {
  prober: Prober;
  answers: GatewayAnswers;
  ages: RuleAges;
}

/** Strikes, creates one Secret and deletes another one, heals, and waits until every gateway says what Kubernetes says. */
export async function recoverFrom(
  fault: Fault,
  { created, deleted }: { created: ChangingSecret; deleted: ChangingSecret },
  { prober, answers, ages }: Observers,
): Promise<Recovery> {
  await deleted.create();
  await answers.untilEvery(deleted, 200);
  return prober.disturbed(fault, async () => {
    const struckMs = performance.now();
    const sinceStruckMs = () => performance.now() - struckMs;
    await fault.strike();
    await Promise.all([created.create(), deleted.delete()]);
    await fault.meanwhile?.(created, deleted);
    await fault.heal?.();
    const healedMs = sinceStruckMs();
    await Promise.all([answers.untilEvery(created, 200), answers.untilEvery(deleted, 404)]);
    const convergedMs = sinceStruckMs();
    await ages.untilFreshSince(struckMs + healedMs);
    return { healedMs, convergedMs, freshMs: sinceStruckMs() };
  });
}

/** Words how long a recovery took. */
export const describeRecovery = ({ what }: Fault, { healedMs, convergedMs, freshMs }: Recovery): string =>
  `${what}: converged ${Math.round(convergedMs - healedMs)} ms after it ended, ` +
  `${Math.round(convergedMs)} ms after it began, every gateway fresh after ${Math.round(freshMs)} ms`;
