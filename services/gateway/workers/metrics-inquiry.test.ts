import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsInquiry } from './metrics-inquiry.ts';
import type { ToWorker } from './to-worker.ts';

test('a worker that does not answer in time is left out', async () => {
  const late = Promise.withResolvers<void>();
  const inquiry = new MetricsInquiry({ sleep: () => late.promise });
  const idOf = (message: ToWorker): number => (message.kind === 'metrics' ? message.id : 0);
  const quick = async (message: ToWorker) => inquiry.answer(idOf(message), 'latchkey_x 1');
  const stuck = async () => undefined;
  const asked = inquiry.ask(
    [
      { number: 1, process: { send: stuck } },
      { number: 2, process: { send: quick } },
    ],
    500,
  );
  late.resolve();
  assert.deepEqual(await asked, [{ worker: 2, text: 'latchkey_x 1' }]);
});
