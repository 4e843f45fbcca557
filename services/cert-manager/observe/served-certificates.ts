import type { Bus } from '#shared/bus/link/bus.ts';
import { subscribeHeartbeats } from '#shared/bus/link/heartbeats.ts';
import type { Clock } from '#shared/runtime/clock.ts';

/** Holds the last report of a gateway. */
interface Report {
  /** The id of the certificate that it serves; undefined: none. */
  leaf: string | undefined;
  ageMs: number;
}

/** Knows which certificate each gateway serves, by the UID of its pod. */
export interface ServedCertificates {
  of(uid: string): Report | undefined;
  all(): (Report & { uid: string })[];
  /** Calls back when a gateway reports for the first time, or another certificate than before. */
  onChange(listener: () => void): void;
  stop(): void;
}

/** Forgets a pod that was not heard for so long. */
const forgottenMs = 86_400_000;
/** Exceeds the gateways of an installation many times; beyond it the one heard longest ago is forgotten. */
const mostReports = 1_000;

/** Follows the heartbeats of the gateways. */
export function followServedCertificates(bus: Bus, clock: Clock): ServedCertificates {
  const reports = new Map<string, { leaf: string | undefined; atMs: number }>();
  let changed = (): void => undefined;
  const ageMs = (atMs: number): number => clock.monotonicMs() - atMs;
  /** Forgets reports, oldest first. */
  const forget = (): void => {
    for (const [uid, { atMs }] of reports) {
      if (reports.size <= mostReports && ageMs(atMs) <= forgottenMs) return;
      reports.delete(uid);
    }
  };
  const stop = subscribeHeartbeats(bus, 'gateway', ({ uid, servingCertificate: leaf }) => {
    const before = reports.get(uid);
    reports.delete(uid);
    reports.set(uid, { leaf, atMs: clock.monotonicMs() });
    if (before === undefined) forget();
    if (before === undefined || before.leaf !== leaf) changed();
  });
  return {
    stop,
    onChange: (listener) => {
      changed = listener;
    },
    of: (uid) => {
      const report = reports.get(uid);
      return report && { leaf: report.leaf, ageMs: ageMs(report.atMs) };
    },
    all: () => Array.from(reports, ([uid, { leaf, atMs }]) => ({ uid, leaf, ageMs: ageMs(atMs) })),
  };
}
