import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context, metrics, propagation, SpanKind, trace } from '@opentelemetry/api';
import { freePorts } from '#testkit/processes/free-ports.ts';
import { type ReceivedSpan, startOtlpReceiver } from '#testkit/telemetry/otlp-receiver.ts';
import { startTelemetry } from './telemetry.ts';
import { carrierFrom, contextFrom } from './trace-carrier.ts';
import type { TraceSampling } from './trace-sampling.ts';

/** Makes spans with telemetry of its own, and gives those that its receiver got. */
async function receivedOf(sampling: TraceSampling, makeSpans: () => void): Promise<readonly ReceivedSpan[]> {
  const [port = 0] = await freePorts(1);
  const receiver = await startOtlpReceiver(port);
  const traces = { endpoint: receiver.endpoint, ...sampling };
  const telemetry = startTelemetry({ service: 't', instance: 'i', namespace: 'n', traces });
  makeSpans();
  await telemetry.shutdown();
  await receiver.close();
  for (const api of [context, metrics, propagation, trace]) api.disable();
  return receiver.spans();
}

/** Makes the spans of a change as three processes do, each with the context that the one before wrote down. */
function traceChange(): void {
  const tracer = trace.getTracer('test');
  let carrier = {};
  for (const name of ['secret observed', 'resolve rule', 'rules apply']) {
    const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER }, contextFrom(carrier));
    carrier = carrierFrom(trace.setSpan(contextFrom(carrier), span));
    span.end();
  }
}

const remote = (traceId: string, flags: '00' | '01'): void => {
  const traceparent = `00-${traceId}-00f067aa0ba902b7-${flags}`;
  trace.getTracer('test').startSpan('admission review', {}, contextFrom({ traceparent })).end();
};
const traceIds = (spans: readonly ReceivedSpan[]): string[] => spans.map(({ traceId }) => traceId);

test('a change is traced from its beginning to its end or not at all', async () => {
  const changes = 128;
  const spans = await receivedOf({ sampler: 'parentbased_traceidratio', ratio: 0.5 }, () => {
    for (let change = 0; change < changes; change += 1) traceChange();
  });
  const byTrace = Map.groupBy(spans, ({ traceId }) => traceId);
  assert.deepEqual(new Set(Array.from(byTrace.values(), ({ length }) => length)), new Set([3]));
  const traced = byTrace.size;
  assert.ok(traced > 0 && traced < changes, `${traced} changes of ${changes}`);
});

const [sampled, unsampled] = ['1'.repeat(32), '2'.repeat(32)];

test('a parent-based sampler follows the decision of the caller whatever the ratio', async () => {
  for (const ratio of [0, 1]) {
    const spans = await receivedOf({ sampler: 'parentbased_traceidratio', ratio }, () => {
      remote(sampled, '01');
      remote(unsampled, '00');
    });
    assert.deepEqual(traceIds(spans), [sampled]);
  }
});

test('each sampler does what the OpenTelemetry specification says of its name', async () => {
  const expected: [TraceSampling, string[]][] = [
    [{ sampler: 'always_on', ratio: 0 }, ['root', sampled, unsampled]],
    [{ sampler: 'always_off', ratio: 1 }, []],
    [{ sampler: 'traceidratio', ratio: 1 }, ['root', sampled, unsampled]],
    [{ sampler: 'traceidratio', ratio: 0 }, []],
    [{ sampler: 'parentbased_always_on', ratio: 0 }, ['root', sampled]],
    [{ sampler: 'parentbased_always_off', ratio: 1 }, [sampled]],
  ];
  for (const [sampling, names] of expected) {
    const spans = await receivedOf(sampling, () => {
      trace.getTracer('test').startSpan('root').end();
      remote(sampled, '01');
      remote(unsampled, '00');
    });
    const seen = spans.map(({ name, traceId }) => (name === 'root' ? name : traceId));
    assert.deepEqual(seen, names, JSON.stringify(sampling));
  }
});
