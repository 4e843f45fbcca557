import type { SetVersion } from '#shared/bus/records/freshness.ts';
import { compareVersions } from '#shared/bus/records/version.ts';
import type { WorkerReport } from './to-primary.ts';

/** What the workers that get connections said last. */
export type Reports = readonly Pick<WorkerReport, 'applied' | 'usable' | 'certificate'>[];

/** Gives what every worker has in force: of each set the lowest version, and no set that one of them lacks. */
export function jointVersions(reports: Reports): SetVersion[] {
  const [first, ...others] = reports;
  return (first?.applied ?? []).flatMap((version) => {
    const all = others.map(({ applied }) => applied.find(({ owner }) => owner === version.owner));
    if (all.includes(undefined)) return [];
    return all.reduce<SetVersion>(
      (lowest, each) => (each !== undefined && compareVersions(each, lowest) < 0 ? each : lowest),
      version,
    );
  });
}

/** Tells whether every worker can apply the rules of a manager. */
export const isJointlyUsable = (reports: Reports, manager: string): boolean =>
  reports.length > 0 && reports.every(({ usable }) => usable.includes(manager));

/** Tells whether every worker serves a certificate: only then the pod has acknowledged it. */
export const isJointlyServed = (reports: Reports, certificate: string): boolean =>
  reports.length > 0 && reports.every((report) => report.certificate === certificate);
