import {
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Logger } from 'pino';
import { formatAnswer } from '#shared/core/admission/admission-review.ts';
import { type Admission, type AdmitOptions, admit, type Rules } from '#shared/core/admission/admit.ts';
import { outcomeLabels } from '#shared/core/admission/secret-decision.ts';
import { contextFrom } from '#shared/runtime/trace-carrier.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import type { WebhookHandler } from './http/serve-reviews.ts';
import { createFaultReport } from './report-fault.ts';

const maxLinks = 64;

/**
 * Answers admission reviews from memory. The span continues the API server's trace and links to the trace of each
 * rule that it used.
 */
export function createAdmissionHandler(options: {
  rules: Rules;
  plan: Required<AdmitOptions>['plan'];
  metrics: AdmissionMetrics;
  log: Logger;
}): WebhookHandler {
  const { rules, plan, metrics } = options;
  const log = options.log.child({ component: 'admission' });
  const reportFault = createFaultReport({ metrics, log });
  const tracer = trace.getTracer('latchkey');
  return ({ headers, body, waitedMs }) => {
    const parent = propagation.extract(ROOT_CONTEXT, headers);
    const startedAtMs = performance.now() - waitedMs;
    const span = tracer.startSpan('admission review', { kind: SpanKind.SERVER }, parent);
    try {
      const admission = admit(body, rules, { plan });
      // Most spans are not sampled, and describing one would cost more than the span itself.
      if (span.isRecording()) describeInSpan(span, admission, waitedMs);
      count(metrics, admission, performance.now() - startedAtMs);
      const level = admission.outcome === 'denied' ? 'info' : 'debug';
      if (log.isLevelEnabled(level)) {
        inSpan(span, () => log[level](described(admission), 'admission answered'));
      }
      return { status: admission.httpStatus, json: formatAnswer(admission.response) };
    } catch (err) {
      // A fault of ours must not admit the pod: without an answer the API server applies failurePolicy Fail.
      span.setStatus({ code: SpanStatusCode.ERROR });
      inSpan(span, () => reportFault(err, performance.now() - startedAtMs));
      return { status: 500, text: 'latchkey: internal error, see the gateway log' };
    } finally {
      span.end();
    }
  };
}

/** Writes a log line with the ids of the span. Nothing else asks for an active span, and one costs more than the metrics. */
const inSpan = (span: Span, write: () => void): void =>
  context.with(trace.setSpan(ROOT_CONTEXT, span), write);

function describeInSpan(span: Span, admission: Admission, waitedMs: number): void {
  span.setAttributes({
    'latchkey.outcome': admission.outcome,
    'latchkey.code': admission.code ?? 'OK',
    'latchkey.secrets': admission.secrets.length,
    'k8s.namespace.name': admission.namespace ?? '',
    'latchkey.request.uid': admission.uid ?? '',
    'latchkey.waited_ms': Math.round(waitedMs),
  });
  const links = admission.ruleTraceparents.slice(0, maxLinks).flatMap((traceparent) => {
    const linked = trace.getSpanContext(contextFrom({ traceparent }));
    return linked === undefined ? [] : [{ context: linked }];
  });
  span.addLinks(links);
}

function count(metrics: AdmissionMetrics, admission: Admission, durationMs: number): void {
  metrics.admission({ outcome: admission.outcome, code: admission.code ?? 'OK' }, durationMs);
  for (const { manager = 'none', outcome } of admission.secrets)
    metrics.secrets({ manager, verdict: outcomeLabels[outcome] }, 1);
}

const described = ({ outcome, code, namespace, uid, secrets }: Admission): object => ({
  outcome,
  code,
  namespace,
  uid,
  secrets: secrets.length,
});
