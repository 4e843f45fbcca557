import { describeAge } from '#shared/core/age.ts';
import type { Lease } from '#shared/kubernetes/lease.ts';
import type { Finding, Problem } from './finding.ts';
import { type InstallationFacts, ledServices, type Seen } from './installation-facts.ts';

const about = 'leaders';

/** Far beyond a Lease's own seconds, for clocks that differ. */
const goneMs = 120_000;

/** Who leads the services of which one replica does; an installation without Leases has one replica of each. */
export function findLeaders({ leases, nowMs }: InstallationFacts): Finding {
  const each = ledServices.map((service) => ({ service, ...describeLease(leases[service], nowMs) }));
  const unseen = each.flatMap(({ unseen: why }) => why ?? []);
  return {
    about,
    summary: each.map(({ service, words }) => `${service} ${words}`).join(', '),
    problems: each.flatMap(({ service, isGone }) => (isGone ? [noLeader(service)] : [])),
    ...(unseen.length === 0 ? {} : { unseen: unseen.join('; ') }),
    facts: Object.fromEntries(each.map(({ service, holder, renewedAt }) => [service, { holder, renewedAt }])),
  };
}

interface LeaseWords {
  words: string;
  isGone: boolean;
  holder: string | null;
  renewedAt: string | null;
  unseen?: string;
}

function describeLease(lease: Seen<Lease | undefined>, nowMs: number): LeaseWords {
  const nobody = { isGone: false, holder: null, renewedAt: null };
  if ('unseen' in lease) return { ...nobody, words: 'not seen', unseen: lease.unseen };
  const { holderIdentity, renewTime } = lease.value?.spec ?? {};
  if (!holderIdentity) return { ...nobody, words: 'none' };
  // `<pod>_<uid>`; the API server writes microseconds.
  const [holder = holderIdentity] = holderIdentity.split('_');
  const ageMs = nowMs - Date.parse(renewTime ?? '');
  const isGone = ageMs > goneMs;
  return {
    words: isGone ? `${holder}, gone for ${describeAge(ageMs)}` : holder,
    isGone,
    holder: holderIdentity,
    renewedAt: renewTime ?? null,
  };
}

const noLeader = (service: string): Problem => ({
  message: `nobody leads ${service}: its Lease is not renewed`,
  advice: `look at the pods of ${service}: they cannot reach the API server, or none runs`,
});
