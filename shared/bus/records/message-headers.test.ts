import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MsgHdrsImpl } from '@nats-io/transport-node';
import fc from 'fast-check';
import { aMessage } from '#testkit/nats/a-message.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { headersOf, readHeaderText } from './message-headers.ts';

const names = ['Nats-Subject', 'Nats-Sequence', 'Latchkey-Epoch', 'latchkey-epoch', 'Epoch', 'traceparent'];
const anyHeaders = fc.array(
  fc.tuple(
    fc.constantFrom(...names),
    fc.string({ unit: fc.constantFrom('a', '1', ':', ' ', '-', '\u00e9', 'Epoch: 9') }),
  ),
);

test('any headers say what the client reads in them', () => {
  fc.assert(
    fc.property(
      anyHeaders,
      fc.constantFrom('', ' 204 EOB', ' 503'),
      fc.uint8Array(),
      (given, status, data) => {
        const lines = given.map(([name, value]) => `${name}: ${value}\r\n`).join('');
        const bytes = Buffer.from(`NATS/1.0${status}\r\n${lines}\r\n`);
        const [expected, read] = [MsgHdrsImpl.decode(bytes), headersOf(aMessage(bytes, data))];
        assert.ok(read !== undefined);
        for (const name of names) {
          assert.equal(read.get(name), expected.get(name));
          assert.equal(read.last(name), expected.last(name));
          assert.equal(read.has(name), expected.has(name));
        }
        assert.equal(read.code, expected.code);
      },
    ),
    propertyRuns,
  );
});

test('headers that stand nowhere before the data are none, and the client is not asked for its own', () => {
  const elsewhere = aMessage(Buffer.from('no headers at all'), Buffer.from('x'));
  assert.equal(headersOf(elsewhere), undefined);
  elsewhere.size = () => 1_000_000;
  assert.equal(headersOf(elsewhere), undefined);
  assert.equal(headersOf(aMessage(Buffer.of(), Buffer.from('x'))), undefined);
  assert.equal(readHeaderText('NATS/1.0\r\nName: value'), undefined);
});

test('whatever stands in the lines before, those that the server adds at the end are read', () => {
  const added = 'Nats-Subject: $KV.b.k\r\nNats-Sequence: 7\r\n\r\n';
  for (const before of ['NATS/1.0\r\nbad name: x\r\n', 'XATS/1.0\r\nbad name: x\r\n', 'x\r\n', '\r\n']) {
    const read = headersOf(aMessage(Buffer.from(before + added), Buffer.from('x')));
    assert.deepEqual(
      [read?.last('Nats-Subject'), read?.last('Nats-Sequence'), read?.code],
      ['$KV.b.k', '7', 0],
    );
  }
});
