import type { Logger } from 'pino';
import { joinBundle } from '#shared/certificates/ca-bundle.ts';
import { authorityProblem } from '#shared/certificates/certificate-checks.ts';
import { generateRsaKeys, issueAuthority } from '#shared/certificates/issue-certificate.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import { pairSecret, readPairSecret, type StoredPair } from '#shared/installation/pair-secret.ts';
import { writeSecret } from '#shared/installation/pair-secret-writer.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { caStateAnnotation, readCaState } from './ca-state.ts';
import { describePlan, type PairPlan, planPair } from './pair-plan.ts';

const dayMs = 86_400_000;

/** Keeps the CA and its Secret, which no gateway mounts. */
interface AuthorityKeeper {
  /**
   * Makes the CA Secret right and returns the CA with the bundle to trust. `trusted` is the bundle in the webhook
   * configuration: authorities of it stay trusted when a new one has to be made, or was brought while nobody looked,
   * because leaves of theirs are served.
   * Uses (create, update, delete) of secrets.
   */
  ensure(existing: Secret | undefined, trusted: string | undefined): Promise<StoredPair>;
}

export function createAuthorityKeeper(options: {
  kubernetes: Kubernetes;
  tls: LatchkeyConfig['tls'];
  namespace: string;
  log: Logger;
  clock: Clock;
}): AuthorityKeeper {
  const { kubernetes, tls, namespace, log, clock } = options;
  const name = tls.caSecretName;
  /** The last good one: it survives a Secret that was deleted or broken. */
  let held: StoredPair | undefined;

  return {
    ensure: async (existing, trusted) => {
      const nowMs = clock.now();
      const annotations = { [caStateAnnotation]: JSON.stringify(readCaState(existing)) };
      const stored = existing && readPairSecret(existing);
      const plan = planPair({
        stored: stored?.pair,
        held: held?.pair,
        nowMs,
        problem: (pair) => authorityProblem(pair, nowMs),
      });
      if (plan.broken !== undefined) {
        log.error({ secret: name, problem: plan.broken }, 'refusing the CA in its Secret');
      }
      const pair =
        plan.action === 'issue'
          ? issueAuthority(await generateRsaKeys(tls.keyBits), nowMs, tls.caLifetimeDays * dayMs)
          : plan.pair;
      const bundle = joinBundle(pair.certificate, earlierBundles(plan, { stored, held, trusted }), nowMs);
      const next = { pair, bundle };
      if (
        await writeSecret(kubernetes, pairSecret({ namespace, name, annotations }, next, existing), existing)
      ) {
        log.info({ secret: name, ...describePlan(plan, pair) }, 'wrote the CA Secret');
      }
      held = next;
      return next;
    },
  };
}

/** The bundles whose authorities stay trusted beside the current one. */
function earlierBundles(
  { action, broken }: PairPlan,
  {
    stored,
    held,
    trusted,
  }: Record<'stored' | 'held', StoredPair | undefined> & { trusted: string | undefined },
): string[] {
  return [
    // What stands beside a refused pair is not trusted either.
    ...(broken === undefined && stored !== undefined ? [stored.bundle, stored.pair.certificate] : []),
    ...(held === undefined ? [] : [held.bundle]),
    // Later, memory holds all of it; what others add to the configuration is then a fault to be repaired.
    ...((held === undefined || action === 'issue') && trusted !== undefined ? [trusted] : []),
  ];
}
