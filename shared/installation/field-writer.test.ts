import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldWriter } from './field-writer.ts';
import { webhookName } from './webhook-configuration.ts';

const entry = `k:${JSON.stringify({ name: webhookName })}`;
const managed = (manager: string, fields: object, time: string) => ({
  manager,
  operation: 'Update',
  time,
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:webhooks': { [entry]: fields } },
});
const configuration = {
  metadata: {
    name: 'latchkey',
    managedFields: [
      managed(
        'latchkey',
        { 'f:namespaceSelector': {}, 'f:clientConfig': { 'f:caBundle': {} } },
        '2026-11-30T03:00:00Z',
      ),
      managed('admissionsenforcer', { 'f:namespaceSelector': {} }, '2026-11-30T02:00:00Z'),
      managed('kubectl-edit', { 'f:namespaceSelector': {} }, '2026-11-30T01:00:00Z'),
    ],
  },
};

test('who else wrote a field last is named where Kubernetes tells it', () => {
  assert.equal(fieldWriter(configuration, 'webhooks.namespaceSelector'), 'admissionsenforcer');
  assert.equal(fieldWriter(configuration, 'webhooks.clientConfig.caBundle'), undefined);
  assert.equal(fieldWriter(configuration, 'webhooks.failurePolicy'), undefined);
  assert.equal(fieldWriter(undefined, 'webhooks'), undefined);
  assert.equal(fieldWriter({ metadata: { name: 'latchkey' } }, 'webhooks'), undefined);
});
