import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinMetrics } from './join-metrics.ts';

const own = `# HELP target_info Target metadata
# TYPE target_info gauge
target_info{service_name="latchkey-gateway"} 1
# HELP latchkey_bus_connected 1 while connected
# TYPE latchkey_bus_connected gauge
latchkey_bus_connected 1
# HELP latchkey_reader_resyncs_total Times
# TYPE latchkey_reader_resyncs_total counter
latchkey_reader_resyncs_total{owner="k8s"} 2
`;
const workerText = (count: number): string => `# HELP target_info Target metadata
# TYPE target_info gauge
target_info{service_name="latchkey-gateway"} 1
# HELP latchkey_admissions_total Reviews
# TYPE latchkey_admissions_total counter
latchkey_admissions_total{outcome="denied"} ${count}
# HELP latchkey_admission_duration_seconds Time
# TYPE latchkey_admission_duration_seconds histogram
latchkey_admission_duration_seconds_count ${count}
latchkey_admission_duration_seconds_bucket{le="+Inf"} ${count}
`;

test('every sample of a worker names it, and each metric has its comments once, with all of its samples', () => {
  const page = joinMetrics(own, [
    { worker: 1, text: workerText(7) },
    { worker: 2, text: workerText(8) },
  ]);
  assert.equal(
    page,
    `${own}# HELP latchkey_admissions_total Reviews
# TYPE latchkey_admissions_total counter
latchkey_admissions_total{worker="1",outcome="denied"} 7
latchkey_admissions_total{worker="2",outcome="denied"} 8
# HELP latchkey_admission_duration_seconds Time
# TYPE latchkey_admission_duration_seconds histogram
latchkey_admission_duration_seconds_count{worker="1"} 7
latchkey_admission_duration_seconds_bucket{worker="1",le="+Inf"} 7
latchkey_admission_duration_seconds_count{worker="2"} 8
latchkey_admission_duration_seconds_bucket{worker="2",le="+Inf"} 8
`,
  );
});

test('without workers the page is that of the primary', () => {
  assert.equal(joinMetrics(own, []), own);
});
