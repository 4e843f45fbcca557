import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import type { Rules } from '#shared/core/rules/chain.ts';
import { aPod, aReview, someRules } from '#testkit/pods/a-pod.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { applyPatch } from './apply-patch.ts';

interface InitContainer {
  name: string;
  restartPolicy?: string;
  volumeMounts?: unknown;
}
const position = 'afterNativeSidecars';
const behind = someRules({ chain: ['aws'], aws: { position } });
const first = someRules({ chain: ['aws'] });
const mixed = someRules({ chain: ['aws', 'gcp'], gcp: { position } });
const secret = (name: string): object => ({ group: `arn:aws:s:${name}`, key: 'k' });
const native = (name: string): InitContainer => ({ name, restartPolicy: 'Always' });

/** Names of the init containers of an injected pod; deciding about it again changes nothing. */
function order(
  initContainers: InitContainer[] | undefined | null,
  rules: Rules = behind,
  more: object = {},
): { names: string[]; admission: Admission; pod: object } {
  const spec = { initContainers: structuredClone(initContainers) };
  const pod = aPod({ asks: [secret('a'), secret('b')], ...more, spec });
  const admission = admitReview(aReview(pod), rules);
  assert.equal(admission.outcome, 'injected');
  applyPatch(pod, admission.patch);
  assert.deepEqual(admitReview(aReview(pod), rules).patch, []);
  const injected = pod as { spec: { initContainers: InitContainer[] } };
  return { names: injected.spec.initContainers.map(({ name }) => name), admission, pod };
}
const pulls = (from: number): string[] => [`aws-pull-secret-${from}`, `aws-pull-secret-${from + 1}`];

test('pull containers come behind the native sidecar of a mesh, and before the containers after it', () => {
  const list = [{ name: 'istio-validation' }, native('istio-proxy'), { name: 'prepare' }];
  assert.deepEqual(order(list).names, ['istio-validation', 'istio-proxy', ...pulls(3), 'prepare']);
  assert.deepEqual(order(list, first).names, [...pulls(3), 'istio-validation', 'istio-proxy', 'prepare']);
  const two = [native('linkerd-proxy'), { name: 'prepare' }, native('istio-proxy')];
  assert.deepEqual(order(two).names, ['linkerd-proxy', 'prepare', 'istio-proxy', ...pulls(3)]);
});

test('without a native sidecar of a mesh they come first', () => {
  for (const none of [undefined, null, []]) assert.deepEqual(order(none).names, pulls(0));
  assert.deepEqual(order([{ name: 'istio-proxy' }]).names, [...pulls(1), 'istio-proxy']);
});

test('a native sidecar that gets secrets comes after them, unless the pod says that it gets none', () => {
  assert.deepEqual(order([native('own')]).names, [...pulls(1), 'own']);
  const annotations = { 'latchkey.dev/skip-containers': 'own' };
  assert.deepEqual(order([native('own')], behind, { annotations }).names, ['own', ...pulls(1)]);
});

test('of managers with different positions each has its own', () => {
  const asks = [{ group: 'db', groupVersion: '1' }, secret('a')];
  const names = (list: InitContainer[] | undefined): string[] => order(list, mixed, { asks }).names;
  const [gcp, aws] = ['gcp-pull-secret-', 'aws-pull-secret-'];
  assert.deepEqual(names([native('istio-proxy')]), [`${aws}2`, 'istio-proxy', `${gcp}1`]);
  assert.deepEqual(names(undefined), [`${aws}1`, `${gcp}0`]);
});

test('an init container that runs before the secrets are fetched is warned of', () => {
  const { admission } = order([{ name: 'prepare' }, { name: 'istio-init' }, native('istio-proxy')]);
  assert.equal(admission.warnings.length, 1);
  assert.match(admission.warnings[0] ?? '', /^init container prepare runs before secret .* is fetched/);
  assert.deepEqual(order([native('istio-proxy'), { name: 'prepare' }]).admission.warnings, []);
});

test('a mesh that puts its sidecar before all in between changes nothing at the second call', () => {
  const { pod } = order([{ name: 'prepare' }]);
  const { spec } = pod as { spec: { initContainers: InitContainer[] } };
  spec.initContainers.unshift({ name: 'istio-validation' }, native('istio-proxy'));
  assert.deepEqual(admitReview(aReview(pod), behind).patch, []);
});

const initContainer = fc.record(
  {
    name: fc.constantFrom(
      'istio-proxy',
      'linkerd-proxy',
      'istio-init',
      'own',
      'prepare',
      'aws-pull-secret-0',
    ),
    restartPolicy: fc.constantFrom('Always', 'Never'),
  },
  { requiredKeys: ['name'] },
);
const isMesh = ({ name, restartPolicy }: InitContainer): boolean =>
  restartPolicy === 'Always' && ['istio-proxy', 'istio-init', 'linkerd-proxy'].includes(name);

test('wherever they are put, the others keep their order and a second call changes nothing', () => {
  const lists = fc.uniqueArray(initContainer, { selector: ({ name }) => name });
  fc.assert(
    fc.property(lists, fc.constantFrom(first, behind), (list, rules) => {
      const { names } = order(list, rules);
      const own: string[] = list.map(({ name }) => name);
      const added = names.filter((name) => !own.includes(name));
      assert.equal(added.length, 2);
      assert.deepEqual(
        names.filter((name) => own.includes(name)),
        own,
      );
      const place = rules === first ? 0 : list.findLastIndex(isMesh) + 1;
      assert.deepEqual(names.slice(place, place + 2), added);
    }),
    propertyRuns,
  );
});
