import type { Logger } from 'pino';
import type { LatchkeyConfig } from '#shared/contracts/config/latchkey-config.ts';
import { PlanMemo } from '#shared/core/admission/plan-memo.ts';
import type { KeyRing } from '#shared/core/rules/index/key-ring.ts';
import { createRuleIndex } from '#shared/core/rules/index/rule-index.ts';
import type { OpenValue } from '#shared/core/rules/index/sealed-value.ts';
import { createValueOpener } from '#shared/core/rules/index/value-opener.ts';
import { createAdmissionHandler } from './admission-handler.ts';
import { type AdmissionMetrics, createAdmissionMetrics } from './admission-metrics.ts';
import type { WebhookHandler } from './http/serve-reviews.ts';
import { createFaultReport, type ReportFault } from './report-fault.ts';
import { createIndexSink } from './rules/index-sink.ts';
import type { RuleSink } from './rules/rule-sink.ts';
import { createRulesInForce } from './rules/rules-in-force.ts';

/** Decides admissions in this process. */
export interface ReviewDecisions {
  /** Takes the rules to decide by. */
  sink: RuleSink;
  handle: WebhookHandler;
  /** Tells of what `handle` throws. */
  onFault: ReportFault;
  metrics: AdmissionMetrics;
}

/** Decides by the rules that are put in, and by what is known at the moment. */
export function decideReviews(options: {
  config: () => LatchkeyConfig;
  keys: () => KeyRing;
  /** Tells how long ago the manager's rules were last confirmed, ms; Infinity when never. */
  ageMs: (manager: string) => number;
  /** Gives the age of the snapshot that the rules began with, ms. */
  snapshotAgeMs: () => number | undefined;
  log: Logger;
}): ReviewDecisions {
  const { config, keys, log } = options;
  const memo = new PlanMemo();
  const metrics = createAdmissionMetrics(() => memo.hits);
  const index = createRuleIndex({
    open: openIfInline(() => config().global.delivery, createValueOpener(keys)),
  });
  const rules = createRulesInForce({ ...options, index });
  const onFault = createFaultReport({ metrics, log: log.child({ component: 'admission' }) });
  return {
    metrics,
    onFault,
    sink: createIndexSink({ index, log, onFault: metrics.ruleFault }),
    handle: createAdmissionHandler({ rules, plan: memo.plan, metrics, log }),
  };
}

/** Opens sealed values while the configuration allows inline delivery. */
const openIfInline =
  (delivery: () => LatchkeyConfig['global']['delivery'], open: OpenValue): OpenValue =>
  (sealed, place) =>
    delivery() === 'inline'
      ? open(sealed, place)
      : { problem: 'global.delivery is not "inline" in the configuration that this gateway uses' };
