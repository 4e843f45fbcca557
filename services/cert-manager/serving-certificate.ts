import type { Logger } from 'pino';
import { bundleHolds, readBundle } from '#shared/certificates/ca-bundle.ts';
import { leafProblem } from '#shared/certificates/certificate-checks.ts';
import { generateRsaKeys, issueLeaf } from '#shared/certificates/issue-certificate.ts';
import { servingNames } from '#shared/certificates/serving-names.ts';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import { pairSecret, readPairSecret, type StoredPair } from '#shared/installation/pair-secret.ts';
import { writeSecret } from '#shared/installation/pair-secret-writer.ts';
import type { Kubernetes } from '#shared/kubernetes/connect-kubernetes.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';
import type { Clock } from '#shared/runtime/clock.ts';
import { describePlan, planPair } from './pair-plan.ts';

const dayMs = 86_400_000;

/** Keeps the leaf and its Secret, which every gateway mounts. */
interface ServingKeeper {
  /**
   * Makes the serving Secret right. `trusted` is the bundle in the webhook configuration, undefined when there is none.
   * Uses (create, update, delete) of secrets.
   */
  ensure(existing: Secret | undefined, authority: StoredPair, trusted: string | undefined): Promise<void>;
}

export function createServingKeeper(options: {
  kubernetes: Kubernetes;
  config: LatchkeyConfig;
  namespace: string;
  log: Logger;
  clock: Clock;
}): ServingKeeper {
  const { kubernetes, namespace, log, clock } = options;
  const { tls, webhook } = options.config;
  const names = servingNames(webhook, namespace);
  const name = tls.servingSecretName;
  let held: StoredPair | undefined;

  return {
    ensure: async (existing, authority, trusted) => {
      const nowMs = clock.now();
      const issuers = acceptableIssuers(authority, trusted);
      const plan = planPair({
        stored: existing && readPairSecret(existing).pair,
        held: held?.pair,
        nowMs,
        problem: (pair) => leafProblem(pair, nowMs, issuers, names),
      });
      if (plan.broken !== undefined) {
        log.error({ secret: name, problem: plan.broken }, 'refusing the certificate in the serving Secret');
      }
      const pair =
        plan.action === 'issue'
          ? issueLeaf(
              await generateRsaKeys(tls.keyBits),
              authority.pair,
              names,
              nowMs,
              tls.leafLifetimeDays * dayMs,
            )
          : plan.pair;
      const next = { pair, bundle: authority.bundle };
      const desired = pairSecret({ namespace, name }, next, existing);
      if (await writeSecret(kubernetes, desired, existing)) {
        log.info({ secret: name, ...describePlan(plan, pair) }, 'wrote the serving Secret');
      }
      held = next;
    },
  };
}

/**
 * A leaf has to come from the current authority, once the API server trusts that one. Before (repair is paused, or
 * refused) a leaf of an earlier authority serves on: never a served leaf that the bundle does not cover.
 */
function acceptableIssuers({ pair, bundle }: StoredPair, trusted: string | undefined) {
  const isTrusted = trusted === undefined || bundleHolds(trusted, pair.certificate);
  return readBundle(isTrusted ? pair.certificate : bundle);
}
