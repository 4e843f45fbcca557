import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Admission, admitReview } from '#shared/core/admission/admit.ts';
import { createWorkBudget } from '#shared/core/bounds/work-budget.ts';
import { aPod, aReview, mountNumber, someRules } from '#testkit/pods/a-pod.ts';
import { propertyRuns } from '#testkit/properties/property-runs.ts';
import { applyPatch } from './apply-patch.ts';
import { createReferenceSearch } from './early-references.ts';

interface Variable {
  name: string;
  value?: string;
  valueFrom?: unknown;
}
interface Container {
  name: string;
  env: Variable[];
  command?: string[];
  args?: string[];
}
const rules = someRules({ chain: ['k8s'] }, { k8s: { ns: { db: ['password'], api: ['key'] } } });
const asks = [
  { group: 'db', key: 'password', mountRequirement: mountNumber.env, envVar: 'DB_PASSWORD' },
  { group: 'api', key: 'key', mountRequirement: mountNumber.env, envVar: 'API_KEY' },
];
const text = '$(DB_PASSWORD)';

/** Decides about a task with these variables; the pod is as it is stored then. */
function admitted(env: Variable[], more: object = {}): { admission: Admission; containers: Container[] } {
  const spec = { containers: [{ name: 'task', env: structuredClone(env), ...more }] };
  const pod = aPod({ asks, spec });
  const admission = admitReview(aReview(pod), rules);
  assert.equal(admission.outcome, 'injected');
  applyPatch(pod, admission.patch);
  return { admission, containers: (pod as unknown as { spec: { containers: Container[] } }).spec.containers };
}
const warningsOf = (env: Variable[], more: object = {}): string[] => admitted(env, more).admission.warnings;

test("a variable that names a secret's variable is warned of, once for each container", () => {
  const url = { name: 'DATABASE_URL', value: `postgres://app:${text}@db:5432/app` };
  assert.deepEqual(warningsOf([url]), [
    `DATABASE_URL of container task keeps the text ${text}, which comes after it`,
  ]);
  const [several] = warningsOf([url, { name: 'OTHER', value: text }, { name: 'THIRD', value: text }]);
  assert.match(several ?? '', / after it \(and 2 more\)$/);
});

test('what the kubelet does expand, or would not expand anyway, is not warned of', () => {
  const own = (value: string): Variable => ({ name: 'OWN', value });
  for (const value of [`$${text}`, '$(db_password)', '$DB_PASSWORD', '$(DB_PASSWORD', '$(OTHER)', '$']) {
    assert.deepEqual(warningsOf([own(value)]), [], value);
  }
  assert.deepEqual(warningsOf([], { command: ['sh', '-c', text], args: [text] }), []);
  assert.deepEqual(warningsOf([{ name: 'OWN', valueFrom: { fieldRef: { fieldPath: text } } }]), []);
});

test('of a pod that was injected before, a variable that was added behind ours is expanded', () => {
  const url = { name: 'URL', value: text };
  const [before] = admitted([]).containers;
  assert.deepEqual(warningsOf([...(before?.env ?? []), url]), []);
  assert.equal(warningsOf([url, ...(before?.env ?? [])]).length, 1);
});

test("a variable of the user's that hides the secret is the user's to refer to", () => {
  const hidden = warningsOf([
    { name: 'DB_PASSWORD', value: 'own' },
    { name: 'URL', value: text },
  ]);
  assert.deepEqual(
    hidden.map((warning) => warning.replace(/ secret .*/, '')),
    ['DB_PASSWORD of container task hides'],
  );
});

test('the warning is short and holds no more of a value than the name of our variable', () => {
  const long = { name: 'N'.repeat(5_000), value: `secret-of-the-user${text}` };
  for (const warning of warningsOf([long])) {
    assert.ok(warning.length <= 120 && !warning.includes('secret-of-the-user'));
  }
});

test('no pod costs more for it than a small part of the budget, whatever its values', () => {
  const most = 30_000;
  for (const value of [
    '$'.repeat(3_000_000),
    text.repeat(20_000),
    '$('.repeat(100_000),
    `${'$('.repeat(100_000)})`,
  ]) {
    const budget = createWorkBudget();
    const search = createReferenceSearch(budget);
    const env = Array.from({ length: 100 }, (_, index) => ({ name: `E${index}`, value }));
    search.find(env, (name) => name === 'DB_PASSWORD');
    assert.ok(budget.spent() <= most, `${budget.spent()} steps for ${value.slice(0, 20)}`);
  }
});

/** The variables of a container as the kubelet makes them: third_party/forked/golang/expansion, written down anew. */
function asTheKubelet(env: readonly Variable[]): Map<string, string> {
  const known = new Map<string, string>();
  for (const { name, value } of env)
    known.set(name, value === undefined ? 'FROM SECRET' : expand(value, known));
  return known;
}

function expand(input: string, known: ReadonlyMap<string, string>): string {
  let output = '';
  for (let cursor = 0; cursor < input.length; cursor++) {
    const { text, length } =
      input[cursor] === '$' ? readOperator(input, cursor, known) : plain(input, cursor);
    output += text;
    cursor += length - 1;
  }
  return output;
}

const plain = (input: string, cursor: number) => ({ text: input.charAt(cursor), length: 1 });

/** What stands at a `$`, expanded. What is not known is marked, so that it is told from the same text behind an escape. */
function readOperator(input: string, cursor: number, known: ReadonlyMap<string, string>) {
  const next = input[cursor + 1];
  if (next === '$') return { text: '$', length: 2 };
  const end = input.indexOf(')', cursor + 2);
  if (next !== '(' || end === -1) return { text: input.slice(cursor, cursor + 2), length: 2 };
  const name = input.slice(cursor + 2, end);
  return { text: known.get(name) ?? `<unknown ${name}>`, length: end + 1 - cursor };
}

test('a pod is warned of what the kubelet leaves as text, and of nothing else', () => {
  const piece = fc.constantFrom('$', '$$', '(', ')', '$(', text, '$(API_KEY)', '$(OWN)', 'DB_PASSWORD', 'x');
  const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));
  const variable = fc.record({ name: fc.constantFrom('OWN', 'A', 'B', 'C'), value });
  fc.assert(
    fc.property(fc.uniqueArray(variable, { selector: ({ name }) => name }), (env) => {
      const { admission, containers } = admitted(env);
      const made = asTheKubelet(containers[0]?.env ?? []);
      const isLost = [...made.values()].some((each) => /<unknown (DB_PASSWORD|API_KEY)>/.test(each));
      assert.equal(admission.warnings.length, isLost ? 1 : 0, JSON.stringify(env));
    }),
    propertyRuns,
  );
});
