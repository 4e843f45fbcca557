import assert from 'node:assert/strict';
import { access, glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { z } from 'zod';
import { maxRecordBytes } from '#shared/bus/link/buckets.ts';
import { formatHeaders } from '#shared/bus/records/record.ts';
import { formatKey, parseKey, streamOf, subjectOf } from '#shared/contracts/bus/bucket.ts';
import {
  type Heartbeat,
  heartbeatIntervalMs,
  heartbeatSubject,
  maxHeartbeatBytes,
} from '#shared/contracts/bus/heartbeat.ts';
import { maxShardBytes } from '#shared/contracts/kubernetes/rules-snapshot.ts';
import { mayUse, natsLogins } from '#testkit/nats/nats-logins.ts';
import { messageSchemas, messagesPage } from '#tools/pages/messages-page.ts';

const root = join(import.meta.dirname, '../..');
const page = await readFile(join(root, 'docs/messages.md'), 'utf8');
const logins = natsLogins(await readFile(join(root, 'deploy/nats/nats.conf'), 'utf8'));

interface MessageRow {
  name: string;
  producer: string;
  consumers: string[];
  bucket: string;
  /** Key or subject, with an example in place of each name in angle brackets. */
  address: string;
  contract: string;
}

const examples: Readonly<Record<string, string>> = {
  '<source>': 'k8s',
  '<manager>': 'k8s',
  '<namespace>': 'team-a',
  '<secret>': 'db',
  '<uid>': 'uid',
};
const rows = Array.from(
  page.matchAll(
    /^\| \[([^\]]+)\]\(#[^|]+\) +\| (\S+) +\| ([^|]*)\| `?(\w*)`? +\| `([^`]+)` +\| `([^`]+)` +\|$/gm,
  ),
  ([, name = '', producer = '', consumers = '', bucket = '', address = '', contract = '']): MessageRow => ({
    name,
    producer,
    consumers: consumers.split(', ').flatMap((service) => service.trim() || []),
    bucket,
    address: address.replaceAll(/<\w+>/g, (part) => examples[part] ?? part),
    contract,
  }),
);
const addressOf = ({ bucket, address }: MessageRow): string =>
  bucket === '' ? address : subjectOf(bucket, address);
/** Logins of a service: of a resolver that of the manager in the address, else all that read an inventory. */
const loginsOf = (service: string, { address }: MessageRow): string[] => {
  if (service !== 'resolver') return [service];
  return address.includes('k8s') ? ['resolver-k8s'] : ['resolver-global', 'resolver-k8s'];
};

test('the tables of fields are those of the contracts', () => {
  assert.equal(messagesPage(page), page, 'a contract has changed: npm run pages');
});

test('every contract is on the page, and every field has a meaning', async () => {
  const shown = new Set<unknown>(Object.values(messageSchemas));
  const missing: string[] = [];
  for await (const path of glob('shared/contracts/**/*.ts', { cwd: root })) {
    // docs/configuration.md and docs/recipes.md show these; a test has none.
    if (/\/(.*-config|config-values|policy|recipe-file|.*\.test)\.ts$/.test(path)) continue;
    const exported: Record<string, unknown> = await import(join(root, path));
    for (const [name, value] of Object.entries(exported))
      if (value instanceof z.ZodType && !shown.has(value)) missing.push(`${path}: ${name}`);
  }
  assert.deepEqual(missing, []);
  assert.deepEqual(page.match(/^\| `.*\| +\|$/gm), null);
});

test('every file that the page names exists', async () => {
  for (const [, path = ''] of page.matchAll(/`((?:shared|services|deploy|test)\/[\w./-]+)`/g))
    await access(join(root, path));
});

test('keys and subjects are those that the code makes', () => {
  assert.equal(rows.length, 11);
  for (const { bucket, address } of rows) {
    const key = bucket === '' ? undefined : parseKey(address);
    const [, , service, ...who] = address.split('.');
    const sender = { service: service as Heartbeat['service'], uid: 'uid' };
    const made =
      key === undefined
        ? heartbeatSubject(who.length === 2 ? { ...sender, manager: 'k8s' } : sender)
        : formatKey(key);
    assert.equal(made, address);
  }
});

test('the login of the producer may publish a message, and no other may', () => {
  for (const row of rows) {
    const allowed = logins.filter(({ publish }) => mayUse(publish, addressOf(row))).map(({ user }) => user);
    assert.deepEqual(allowed, loginsOf(row.producer, row), addressOf(row));
  }
});

test('the logins of the consumers may read a message, and no other may but its producer', () => {
  for (const row of rows) {
    const { bucket, address } = row;
    const announced = bucket === '' ? address : `latchkey.changed.${bucket}.${address}`;
    const allowed = logins.filter(
      ({ publish, subscribe }) =>
        mayUse(subscribe, announced) &&
        (bucket === '' || mayUse(publish, `$JS.API.DIRECT.GET.${streamOf(bucket)}`)),
    );
    const producers = loginsOf(row.producer, row);
    const others = allowed.map(({ user }) => user).filter((user) => !producers.includes(user));
    const consumers = row.consumers.flatMap((service) => loginsOf(service, row));
    assert.deepEqual(others.toSorted(), consumers.toSorted(), announced);
  }
});

test('the headers are those that a record carries', () => {
  const trace = { traceparent: 'a', tracestate: 'b' };
  const made = formatHeaders({ epoch: 1, seq: 1, publisher: 'p', deleted: true, trace });
  const shown = Array.from(
    page.matchAll(/^\| `([A-Z][\w-]+|trace\w+)` +\| (?:every|tomb|records)/gm),
    ([, name]) => name,
  );
  assert.deepEqual(shown.toSorted(), made.keys().toSorted());
});

test('the limits are those of the code', () => {
  const limits = new Map(
    Array.from(page.matchAll(/^\| ([a-z ]+?) +\| (\d[^|]*?) +\|/gm), ([, what, limit]) => [what, limit]),
  );
  assert.equal(limits.get('record'), `${maxRecordBytes.toLocaleString('en')} bytes`);
  assert.equal(limits.get('heartbeat'), `${maxHeartbeatBytes.toLocaleString('en')} bytes`);
  assert.equal(limits.get('interval of heartbeats'), `${heartbeatIntervalMs / 1_000} s; not stored`);
  assert.ok(page.includes(`at most ${maxShardBytes / 1_024} KiB each`));
});
