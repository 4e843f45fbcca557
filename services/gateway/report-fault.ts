import type { Logger } from 'pino';
import type { AdmissionMetrics } from './admission-metrics.ts';

/** Tells of an admission that a fault of ours left undecided, `durationMs` after the end of its body. */
export type ReportFault = (err: unknown, durationMs: number) => void;

/** Counts such an admission, then logs its cause: the count stays when the log is what fails. */
export function createFaultReport(options: {
  metrics: Pick<AdmissionMetrics, 'admission'>;
  log: Logger;
}): ReportFault {
  const { metrics, log } = options;
  return (err, durationMs) => {
    metrics.admission({ outcome: 'failed', code: 'INTERNAL' }, durationMs);
    log.error({ err }, 'admission failed');
  };
}
