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

test('every wrong variable is named at once', () => {
  assert.throws(
    () => parseProcessConfig({ HEALTH_PORT: 'ninety', NATS_URL: 'http://x', LOG_LEVEL: 'loud' }),
    /3 wrong.*NATS_URL.*HEALTH_PORT.*LOG_LEVEL/s,
  );
});
