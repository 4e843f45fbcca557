import type { ErrorCode } from '#shared/contracts/error-registry.ts';
import { admit, type Rules } from '#shared/core/admission/admit.ts';
import { aPod, aReview, bytesOf, mountNumber, someRules } from '#testkit/pods/a-pod.ts';

const inventory = { global: { files: { 'team/token': 'v' } }, k8s: { ns: { db: ['pass', 'PASS'] } } };
const db = { group: 'db', key: 'pass' };
const env = mountNumber.env;

/** A request for each code that a task author can get. */
const questions: { code: ErrorCode; review: unknown; rules?: Rules }[] = [
  { code: 'REQUEST_MALFORMED', review: {} },
  { code: 'ANNOTATION_MALFORMED', review: podWith({ annotations: { 'flyte.secrets/s0': 'ABC' } }) },
  { code: 'FIELD_MISSING', review: podWith({ asks: [{ key: 'pass' }] }) },
  { code: 'NAME_IMPOSSIBLE', review: podWith({ asks: [{ group: 'db', key: '../pass' }] }) },
  {
    code: 'MOUNT_UNSUPPORTED',
    review: podWith({ asks: [{ ...db, mountRequirement: env }] }),
    rules: onlyAws(),
  },
  {
    code: 'VARIABLE_CLASH',
    review: podWith({
      asks: [
        { ...db, mountRequirement: env },
        { ...db, key: 'PASS', mountRequirement: env },
      ],
    }),
  },
  { code: 'PATH_CLASH', review: podWith({ asks: [db, { ...db, key: 'PASS' }] }) },
  { code: 'TOO_MANY_SECRETS', review: podWith({ asks: Array.from({ length: 257 }, () => db) }) },
  { code: 'POD_TOO_LARGE', review: podWith({ asks: [db], spec: { volumes: Array(10_001).fill({}) } }) },
  { code: 'POD_MALFORMED', review: podWith({ asks: [db], spec: { containers: 'main' } }) },
  {
    code: 'POLICY_FORBIDDEN',
    review: podWith({ asks: [db] }),
    rules: rulesWith({ policy: { rules: [{ name: 'payments', groups: ['db'], namespaces: ['pay-*'] }] } }),
  },
  { code: 'SECRET_NOT_FOUND', review: podWith({ asks: [{ group: 'db', key: 'pas' }] }) },
  { code: 'RULES_UNKNOWN', review: aReview(aPod({ asks: [db] }), { namespace: 'flytesnacks' }) },
];

function podWith(pod: Parameters<typeof aPod>[0]): object {
  return aReview(aPod(pod));
}
function rulesWith(config: object): Rules {
  return someRules(config, inventory);
}
function onlyAws(): Rules {
  return rulesWith({ chain: ['aws'] });
}

/** What the webhook answers: a message for each code that a task author can get. */
export function denialExamples(): { code: ErrorCode; actual: string | undefined; message: string }[] {
  return questions.map(({ code, review, rules = rulesWith({}) }) => {
    const { response, code: actual } = admit(bytesOf(review), rules);
    const status = 'response' in response ? response.response.status : response;
    return { code, actual, message: status?.message ?? '' };
  });
}
