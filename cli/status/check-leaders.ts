import { describeAge } from '#shared/core/text/age.ts';
import type { Lease } from '#shared/kubernetes/lease.ts';
import type { Finding, Problem } from './finding.ts';
import { type InstallationFacts, ledServices, type Seen } from './installation-facts.ts';

const about = 'leaders';

/** Exceeds a Lease's duration by far, for clocks that differ. */
const goneMs = 120_000;

/** Checks who leads the services that elect a leader. An installation without Leases has one replica of each. */
export function checkLeaders({ leases, nowMs }: Pick<InstallationFacts, 'leases' | 'nowMs'>): Finding {
  const each = ledServices.map((service) => ({ service, ...describeLease(leases[service], nowMs) }));
  const unseen = each.flatMap(({ unseen: why }) => why ?? []);
  return {
    about,
    summary: each.map(({ service, words }) => `${service} ${words}`).join(', '),
    problems: each.flatMap(({ service, wrong }) => (wrong === undefined ? [] : [noLeader(service, wrong)])),
    ...(unseen.length === 0 ? {} : { unseen: unseen.join('; ') }),
    facts: Object.fromEntries(each.map(({ service, holder, renewedAt }) => [service, { holder, renewedAt }])),
  };
}

interface LeaseWords {
  words: string;
  /** Why nobody leads, as far as the Lease tells. */
  wrong?: string;
  holder: string | null;
  renewedAt: string | null;
  unseen?: string;
}

function describeLease(lease: Seen<Lease | undefined>, nowMs: number): LeaseWords {
  const nobody = { holder: null, renewedAt: null };
  if ('unseen' in lease) return { ...nobody, words: 'not seen', unseen: lease.unseen };
  if (lease.value === undefined) return { ...nobody, words: 'none' };
  const { holderIdentity, renewTime } = lease.value.spec ?? {};
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
  if (ageMs <= goneMs) return { ...held, words: holder };
  return {
    ...held,
    words: `${holder}, expired for ${describeAge(ageMs)}`,
    wrong: 'its Lease is not renewed',
  };
}

const noLeader = (service: string, why: string): Problem => ({
  message: `${service} has no leader: ${why}`,
  advice: `check the pods of ${service}: none is running, or they cannot reach the API server`,
});
