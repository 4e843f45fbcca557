import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProcessConfig } from './process-config.ts';

test('an empty environment gives the defaults of the image', () => {
  const config = parseProcessConfig({});
  assert.equal(config.WEBHOOK_PORT, 9443);
  assert.equal(config.HEALTH_PORT, 9090);
  assert.equal(config.KUBECONFIG, undefined);
});

test('an empty variable counts as absent', () => {
  assert.equal(
    parseProcessConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: '' }).OTEL_EXPORTER_OTLP_ENDPOINT,
    undefined,
  );
});

test('one trace in a hundred is sent unless the environment says otherwise', () => {
  const { OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG } = parseProcessConfig({});
  assert.deepEqual([OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG], ['parentbased_traceidratio', 0.01]);
  assert.equal(parseProcessConfig({ OTEL_TRACES_SAMPLER_ARG: '0.5' }).OTEL_TRACES_SAMPLER_ARG, 0.5);
  assert.throws(
    () => parseProcessConfig({ OTEL_TRACES_SAMPLER_ARG: '1.5', OTEL_TRACES_SAMPLER: 'xray' }),
    /2 wrong.*OTEL_TRACES_SAMPLER\b.*OTEL_TRACES_SAMPLER_ARG/s,
  );
});

test('every wrong variable is named at once', () => {
  assert.throws(
    () => parseProcessConfig({ HEALTH_PORT: 'ninety', NATS_URL: 'http://x', LOG_LEVEL: 'loud' }),
    /3 wrong.*NATS_URL.*HEALTH_PORT.*LOG_LEVEL/s,
  );
});

test('a login in NATS_URL is refused without being repeated', () => {
  const NATS_URL = 'nats://gateway:hidden@nats:4222';
  assert.throws(
    () => parseProcessConfig({ NATS_URL }),
    (err: Error) => /NATS_URL.*NATS_CREDENTIALS/s.test(err.message) && !err.message.includes('hidden'),
  );
});
