import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { certificateId } from '#shared/certificates/ca-bundle.ts';
import { latchkeyConfigSchema } from '#shared/contracts/config/latchkey-config.ts';
import { caStateAnnotation, leafStateAnnotation } from '#shared/contracts/kubernetes/rotation-state.ts';
import { type TlsSecretContent, tlsSecret } from '#shared/installation/tls-secret.ts';
import { webhookAdoptionAnnotation } from '#shared/installation/webhook-adoption.ts';
import { desiredWebhookConfiguration, pausedAnnotation } from '#shared/installation/webhook-configuration.ts';
import { withUnreadableDate } from '#testkit/certificates/with-unreadable-date.ts';
import { aSnapshotSecret } from '#testkit/installation/a-snapshot-secret.ts';
import { newCa, newLeaf } from '../init-certs/issue-pair.ts';
import type { InstallationFacts, Pod } from './installation-facts.ts';
import { describeStatus, reportStatus } from './status-report.ts';

const [minuteMs, dayMs] = [60_000, 86_400_000];
const nowMs = Date.UTC(2026, 10, 24, 12);
const namespace = 'latchkey';
const config = latchkeyConfigSchema.parse({});
const options = { config, namespace, nowMs: nowMs - dayMs };
const ago = (ms: number): string => new Date(nowMs - ms).toISOString();

let ca: TlsSecretContent;
let leaf: TlsSecretContent;
let other: TlsSecretContent;
before(async () => {
  ca = await newCa(options, '');
  other = await newCa(options, '');
  leaf = await newLeaf(options, ca);
});

const secretOf = (stored: TlsSecretContent, annotations: Record<string, string> = {}) => ({
  value: tlsSecret({ namespace, name: 'any', annotations }, stored, undefined),
});
const webhookOf = (annotations: Record<string, string> = {}, fields: object = {}) => {
  const configuration = desiredWebhookConfiguration(config.webhook, namespace, ca.bundle);
  const metadata = { ...configuration.metadata, annotations };
  const webhooks = (configuration.webhooks ?? []).map((webhook) => ({ ...webhook, ...fields }));
  return { value: { ...configuration, metadata, webhooks } };
};

function podOf(service: string, ready = true, ageMs = dayMs): Pod {
  const labels = { 'app.kubernetes.io/name': service };
  return {
    metadata: { name: `${service}-0`, labels, creationTimestamp: ago(ageMs) },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
      containerStatuses: ready ? [] : [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }],
    },
  };
}

const services = ['gateway', 'cert-manager', 'discovery', 'resolver-global', 'resolver-k8s'];
const absent = { value: undefined };

/** An installation where all is well, but for what is given. */
const facts = (different: Partial<InstallationFacts> = {}): InstallationFacts => ({
  namespace,
  nowMs,
  found: { config, source: 'ConfigMap latchkey-config' },
  ca: secretOf(ca),
  serving: secretOf(leaf),
  webhook: webhookOf(),
  ownNames: [],
  endpoints: { value: [{ metadata: { name: 'any' }, endpoints: [{ conditions: { ready: true } }] }] },
  pods: { value: services.map((service) => podOf(service)) },
  leases: { 'cert-manager': absent, discovery: absent },
  snapshot: { value: aSnapshotSecret({ takenAt: ago(minuteMs) }) },
  ...different,
});

/** What is wrong, as `part: message`. */
const problemsOf = (different: Partial<InstallationFacts>): string[] =>
  reportStatus(facts(different)).findings.flatMap(({ about, problems }) =>
    problems.map(({ message }) => `${about}: ${message}`),
  );

function assertProblem(different: Partial<InstallationFacts>, pattern: RegExp): void {
  const problems = problemsOf(different);
  assert.match(problems.join('\n'), pattern);
  assert.equal(reportStatus(facts(different)).verdict, 'attention');
}

test('an object of ours that nobody renews is named, with the command that deletes it', () => {
  const { value: used } = webhookOf();
  const former = { ...used, metadata: { ...used.metadata, name: 'latchkey' } };
  assert.deepEqual(problemsOf({ ownNames: [used] }), []);
  assertProblem(
    { ownNames: [used, former] },
    /^webhook: MutatingWebhookConfiguration latchkey calls the gat/,
  );
  assertProblem({ ownNames: [used, former], webhook: { value: former } }, /Configuration 0-latchkey calls/);
  const service = { namespace: 'elsewhere', name: 'flyte-pod-webhook' };
  const webhooks = (former.webhooks ?? []).map((each) => ({ ...each, clientConfig: { service } }));
  assert.deepEqual(problemsOf({ ownNames: [used, { ...former, webhooks }] }), []);
});

const summaryOf = (different: Partial<InstallationFacts>, about: string): string =>
  reportStatus(facts(different)).findings.find((finding) => finding.about === about)?.summary ?? '';

test('an installation where all is well is healthy, and each part is one line', () => {
  const report = reportStatus(facts());
  assert.equal(report.verdict, 'healthy');
  const [verdict, blank, ...lines] = describeStatus(report);
  assert.deepEqual([verdict, blank], ['healthy: latchkey in namespace latchkey', '']);
  assert.equal(lines.length, report.findings.length);
  assert.match(
    summaryOf({}, 'leaf'),
    /valid until 2026-11-30 12:00Z \(in 6 d\).*; trusted by the API server/,
  );
  assert.match(summaryOf({}, 'services'), /cert-manager 1\/1, discovery 1\/1/);
});

test('what is missing is named', () => {
  assertProblem({ ca: absent }, /^CA: there is no Secret latchkey-ca$/);
  assertProblem({ serving: absent }, /^leaf: there is no Secret flyte-pod-webhook-secret/);
  assertProblem({ webhook: absent }, /^webhook: .*WITHOUT their secrets$/);
  assertProblem({ endpoints: { value: [] } }, /^gateways: the Service .* has no ready gateway/);
  const pods = { value: services.slice(0, -1).map((service) => podOf(service)) };
  assertProblem({ pods }, /^services: resolver-k8s does not run$/);
});

test('certificates that are broken, overdue or not trusted are named', () => {
  assertProblem(
    { serving: secretOf({ ...leaf, pair: { ...leaf.pair, key: other.pair.key } }) },
    /does not belong/,
  );
  assertProblem({ nowMs: nowMs + 5 * dayMs }, /^leaf: its renewal was due on 2026-11-28 /);
  assertProblem({ nowMs: nowMs + 7 * dayMs }, /leaf: the pair in Secret .* is invalid: .*expired/);
  const stranger = desiredWebhookConfiguration(config.webhook, namespace, other.bundle);
  assertProblem({ webhook: { value: stranger } }, /^leaf: the caBundle .* does not contain its CA/);
});

test('a certificate whose dates cannot be read is a problem of the report', () => {
  for (const which of ['notBefore', 'notAfter'] as const) {
    const undated = (stored: TlsSecretContent) =>
      secretOf({ ...stored, pair: withUnreadableDate(stored.pair, which) });
    assertProblem({ ca: undated(ca) }, /^CA: the pair in Secret latchkey-ca is invalid: its dates cannot be/);
    assertProblem({ serving: undated(leaf) }, /^leaf: the pair in Secret .* is invalid: its dates cannot be/);
    assert.match(summaryOf({ serving: undated(leaf) }, 'leaf'), /^unusable/);
  }
});

test("somebody else's certificate is judged by what the API server trusts, and by its last tenth", () => {
  const provided = latchkeyConfigSchema.parse({ tls: { issuer: 'provided' } });
  const found = { config: provided, source: 'file' };
  const brought = { found, ca: absent, serving: secretOf(leaf) };
  assert.deepEqual(problemsOf({ ...brought, nowMs: nowMs + 5 * dayMs }), []);
  assertProblem({ ...brought, nowMs: nowMs + 5.5 * dayMs }, /^leaf: its renewal was due/);
  const stranger = { value: desiredWebhookConfiguration(config.webhook, namespace, other.bundle) };
  assertProblem({ ...brought, webhook: stranger }, /leaf: the caBundle .* does not contain its CA/);
  assertProblem(
    { ...brought, serving: secretOf({ ...leaf, bundle: '' }) },
    /ca\.crt contains no certificate/,
  );
});

test("a webhook that is paused, somebody else's or changed is named", () => {
  assertProblem(
    { webhook: webhookOf({ [pausedAnnotation]: 'by me' }) },
    /^webhook: reconciliation is paused \("by me"\)/,
  );
  assertProblem({ webhook: webhookOf({}, { failurePolicy: 'Ignore' }) }, /differs .* in failurePolicy$/);
  const flytes = webhookOf(
    {},
    { clientConfig: { service: { namespace: 'flyte', name: 'flyte-pod-webhook' } } },
  );
  const { labels: _, ...metadata } = flytes.value.metadata;
  assertProblem({ webhook: { value: { ...flytes.value, metadata } } }, /calls another service/);
  const annotations = { [webhookAdoptionAnnotation]: JSON.stringify(flytes.value.webhooks[0]) };
  const adopted = { webhook: { value: { ...webhookOf().value, metadata: { ...metadata, annotations } } } };
  assertProblem(adopted, /^webhook: webhook\.adopt is false, and Flyte's entry .* has not been given back$/);
  const adopting = latchkeyConfigSchema.parse({ webhook: { adopt: true } });
  assert.deepEqual(problemsOf({ ...adopted, found: { config: adopting, source: 'x' } }), []);
});

test('a pod that does not become ready is named with its reason, one that starts is not', () => {
  const starting = podOf('gateway', false, minuteMs);
  const late = podOf('gateway', false);
  const others = services.map((service) => podOf(service));
  assert.deepEqual(problemsOf({ pods: { value: [...others, starting] } }), []);
  assertProblem(
    { pods: { value: [...others, late] } },
    /^gateways: pod gateway-0 is not ready: CrashLoopBackOff$/,
  );
});

test('a rotation is shown with what it waits for, and is a problem when it stands still or begins in the future', () => {
  const rotating = (ageMs: number) =>
    secretOf(ca, {
      [caStateAnnotation]: JSON.stringify({
        version: 1,
        phase: 'switching',
        since: ago(ageMs),
        rotation: { id: 'x', reason: 'requested', startedAt: ago(ageMs) },
        waitingFor: ['gateway-7'],
      }),
    });
  assert.match(
    summaryOf({ ca: rotating(minuteMs) }, 'CA'),
    /rotation switching for 60 s \(requested\), waits for gateway-7/,
  );
  assert.deepEqual(problemsOf({ ca: rotating(minuteMs) }), []);
  assertProblem({ ca: rotating(30 * minuteMs) }, /stuck in phase switching/);
  assertProblem({ ca: rotating(-9 * dayMs) }, /^CA: .* phase switching begins in the future \(in 9 d\)$/);

  const unserved = (ageMs: number) => {
    const state = {
      version: 1,
      fingerprint: certificateId(new X509Certificate(leaf.pair.certificate)),
      issuedAt: ago(ageMs),
      served: false,
      waitingFor: ['gateway-7'],
    };
    return secretOf(leaf, { [leafStateAnnotation]: JSON.stringify(state) });
  };
  assert.deepEqual(problemsOf({ serving: unserved(minuteMs) }), []);
  for (const ageMs of [30 * minuteMs, -9 * dayMs])
    assertProblem({ serving: unserved(ageMs) }, /^leaf: it is not served by gateway-7$/);
});

test('a leader that is gone and a snapshot that is not there are named', () => {
  assertProblem(
    { leases: { 'cert-manager': absent, discovery: { value: { metadata: { name: 'any' } } } } },
    /^leaders: discovery has no leader: its Lease has no holder$/,
  );
  assertProblem({ snapshot: absent }, /^snapshot: there is no Secret latchkey-rules-snapshot-0$/);
});

test('what may not be read is told, and does not count as healthy', () => {
  const report = reportStatus(facts({ ca: { unseen: 'cannot get secrets latchkey-ca: 403' } }));
  assert.equal(report.verdict, 'unseen');
  assert.match(
    describeStatus(report).join('\n'),
    /^healthy as far as visible: .*\n\? CA: cannot get secrets latchkey-ca: 403$/m,
  );
});

test('what the cluster says makes no line that passes for one of the report', () => {
  const forged = 'x\nhealthy: latchkey';
  const lease = { metadata: { name: 'any' }, spec: { holderIdentity: forged, renewTime: forged } };
  const found = { ...facts().found, problem: `wrong:\n${forged}` };
  const lines = describeStatus(
    reportStatus(
      facts({
        found,
        ca: { unseen: forged },
        leases: { 'cert-manager': absent, discovery: { value: lease } },
      }),
    ),
  );
  assert.ok(lines.every((line) => !line.startsWith('healthy')));
  assert.ok(lines.includes('    healthy: latchkey'));
});

test('the report holds no private key', () => {
  const text = JSON.stringify(reportStatus(facts()));
  for (const { pair } of [ca, leaf]) assert.ok(!text.includes(pair.key.split('\n')[1] ?? assert.fail()));
});

test('without a Service the gateways are elsewhere', () => {
  const url = latchkeyConfigSchema.parse({ webhook: { url: 'https://localhost:9443' } });
  const found = { config: url, source: 'file' };
  const elsewhere = { found, endpoints: { value: [] }, pods: { value: [] } };
  assert.match(summaryOf(elsewhere, 'gateways'), /at https:\/\/localhost:9443/);
  assert.equal(summaryOf(elsewhere, 'services'), 'outside of the cluster');
});
