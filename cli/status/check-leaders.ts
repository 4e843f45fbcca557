import { describeAge } from '#shared/core/text/age.ts';
import { quote } from '#shared/core/text/plain-text.ts';
import type { Lease } from '#shared/kubernetes/election/lease.ts';
import { leaseTimes } from '#shared/kubernetes/election/next-lease-step.ts';
import { type Finding, type Problem, skewMs } from './finding.ts';
import { type InstallationFacts, ledServices, type Pod, type Seen } from './installation-facts.ts';
import { serviceOf } from './pods-state.ts';

const about = 'leaders';

/** Allows for clocks that differ: a leader renews its Lease every {@link leaseTimes.renewEveryMs}. */
const clockToleranceMs = 30_000;

/** Checks who leads the services that elect a leader. An installation without Leases has one replica of each. */
export function checkLeaders(
  facts: Pick<InstallationFacts, 'leases' | 'nowMs' | 'namespace' | 'pods' | 'found'>,
): Finding {
  const { leases, nowMs, namespace } = facts;
  const each = ledServices.map((service) => {
    const lease = describeLease(leases[service], nowMs);
    const stranger = lease.wrong === undefined ? strangerWords(service, lease.holder, facts) : undefined;
    return { service, ...lease, ...(stranger === undefined ? {} : { wrong: stranger, isForged: true }) };
  });
  const unseen = each.flatMap(({ unseen: why }) => why ?? []);
  return {
    about,
    summary: each.map(({ service, words }) => `${service} ${words}`).join(', '),
    problems: each.flatMap(({ service, wrong, isForged }) => {
      if (wrong === undefined) return [];
      return [isForged === true ? forgedLease(service, wrong, namespace) : noLeader(service, wrong)];
    }),
    ...(unseen.length === 0 ? {} : { unseen: unseen.join('; ') }),
    facts: Object.fromEntries(each.map(({ service, holder, renewedAt }) => [service, { holder, renewedAt }])),
  };
}

interface LeaseWords {
  words: string;
  /** Why nobody leads, as far as the Lease tells. */
  wrong?: string;
  /** Whether no process of latchkey would have written it. */
  isForged?: boolean;
  holder: string | null;
  renewedAt: string | null;
  unseen?: string;
}

function describeLease(lease: Seen<Lease | undefined>, nowMs: number): LeaseWords {
  const nobody = { holder: null, renewedAt: null };
  if ('unseen' in lease) return { ...nobody, words: 'not seen', unseen: lease.unseen };
  if (lease.value === undefined) return { ...nobody, words: 'none' };
  const { holderIdentity, renewTime, leaseDurationSeconds = 0 } = lease.value.spec ?? {};
  if (!holderIdentity) return { ...nobody, words: 'none', wrong: 'its Lease has no holder' };
  // `<pod>_<uid>`; the API server writes microseconds.
  const [holder = holderIdentity] = holderIdentity.split('_');
  const ageMs = nowMs - Date.parse(renewTime ?? '');
  const held = { holder: holderIdentity, renewedAt: renewTime ?? null };
  if (Number.isNaN(ageMs)) {
    return {
      ...held,
      words: `${holder}, of unknown age`,
      wrong: 'its Lease does not say when it was renewed',
    };
  }
  const forged = forgedWords(ageMs, leaseDurationSeconds);
  if (forged !== undefined)
    return { ...held, words: `${holder}, not credible`, wrong: forged, isForged: true };
  const expiredMs = ageMs - (leaseDurationSeconds * 1_000 || leaseTimes.durationMs);
  if (expiredMs <= clockToleranceMs) return { ...held, words: holder };
  return {
    words: `none, ${holder} lost it ${describeAge(expiredMs)} ago`,
    wrong: `its Lease, last held by ${holder}, expired ${describeAge(expiredMs)} ago`,
    holder: null,
    renewedAt: held.renewedAt,
  };
}

/**
 * Tells a holder that is no pod of the service: a program that renews the Lease keeps every replica standing by. Where the
 * services run outside of the cluster, or the pods may not be read, nobody knows.
 */
function strangerWords(
  service: string,
  holder: string | null,
  { pods, found }: Pick<InstallationFacts, 'pods' | 'found'>,
): string | undefined {
  if (holder === null || 'unseen' in pods) return undefined;
  if (pods.value.length === 0 && found.config.webhook.url !== undefined) return undefined;
  const isHolder = (pod: Pod): boolean =>
    serviceOf(pod) === service && `${pod.metadata.name}_${pod.metadata.uid}` === holder;
  return pods.value.some(isHolder)
    ? undefined
    : `spec.holderIdentity of its Lease is ${quote(holder)}, which is no pod of ${service}; after a pod's end that may be so for seconds`;
}

const noLeader = (service: string, why: string): Problem => ({
  message: `${service} has no leader: ${why}`,
  advice: `check the pods of ${service}: none is running, or they cannot reach the API server`,
});

/** Tells what of a Lease no process of latchkey writes; a standby waits for as long as it is believed. */
function forgedWords(ageMs: number, durationSeconds: number): string | undefined {
  if (ageMs < -skewMs) return `its Lease was renewed in the future (in ${describeAge(-ageMs)})`;
  if (durationSeconds * 1_000 <= leaseTimes.mostDurationMs) return undefined;
  return `its Lease is held for ${durationSeconds} s at a time`;
}

const forgedLease = (service: string, why: string, namespace: string): Problem => ({
  message: `${service} may have no leader: ${why}`,
  advice: `check the clocks of the nodes and who else may write Leases, then release it: kubectl -n ${namespace} patch lease latchkey-${service} --type merge -p '{"spec":{"holderIdentity":null}}'; a standby takes it by itself ${describeAge(leaseTimes.mostDurationMs)} after its last change`,
});
