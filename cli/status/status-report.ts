import { checkCa } from './check-ca.ts';
import { checkGateways } from './check-gateways.ts';
import { checkLeaders } from './check-leaders.ts';
import { checkLeaf } from './check-leaf.ts';
import { checkServices } from './check-services.ts';
import { checkSnapshot } from './check-snapshot.ts';
import { checkWebhook } from './check-webhook.ts';
import type { Finding } from './finding.ts';
import type { InstallationFacts } from './installation-facts.ts';

/** Reports one reading of an installation. */
export interface StatusReport {
  /** The verdict; `unseen`: no problem in what could be read, but not everything could. */
  verdict: 'healthy' | 'attention' | 'unseen';
  namespace: string;
  findings: readonly Finding[];
}

const finders: readonly ((facts: InstallationFacts) => Finding)[] = [
  findConfiguration,
  checkWebhook,
  checkLeaf,
  checkCa,
  checkGateways,
  checkServices,
  checkLeaders,
  checkSnapshot,
];

/** Judges the facts. */
export function reportStatus(facts: InstallationFacts): StatusReport {
  const findings = finders.map((find) => find(facts));
  const isWrong = findings.some(({ problems }) => problems.length > 0);
  const isUnseen = findings.some(({ unseen }) => unseen !== undefined);
  const verdict = isWrong ? 'attention' : isUnseen ? 'unseen' : 'healthy';
  return { verdict, namespace: facts.namespace, findings };
}

function findConfiguration({ found }: InstallationFacts): Finding {
  const { source, problem, unseen } = found;
  const advice =
    'correct it: until then services keep the previous one, and this report assumes the defaults';
  return {
    about: 'config',
    summary: source,
    problems: problem === undefined ? [] : [{ message: problem, advice }],
    ...(unseen === undefined ? {} : { unseen }),
    facts: { source },
  };
}

/** Formats the report for people, a line each: the verdict, the problems and what to do, then the parts. */
export function describeStatus({ verdict, namespace, findings }: StatusReport): string[] {
  const problems = findings.flatMap(({ about, problems: some }) => some.map((each) => ({ about, ...each })));
  const unseen = findings.flatMap(({ about, unseen: why }) => (why === undefined ? [] : [{ about, why }]));
  const where = `latchkey in namespace ${namespace}`;
  const verdictLine = {
    healthy: `healthy: ${where}`,
    attention: `needs attention: ${where}, ${problems.length} problem${problems.length === 1 ? '' : 's'}`,
    unseen: `healthy as far as visible: ${where}`,
  }[verdict];
  return [
    verdictLine,
    ...problems.flatMap(({ about, message, advice }) => [
      // A message may have lines of its own, none of which may pass for one of the report.
      ...`! ${about}: ${message}`.split('\n').map((line, index) => (index === 0 ? line : `    ${line}`)),
      `  -> ${advice}`,
    ]),
    ...unseen.map(({ about, why }) => `? ${about}: ${why}`),
    '',
    ...findings.map((finding) => `${signOf(finding)} ${finding.about.padEnd(9)} ${finding.summary}`),
  ];
}

function signOf({ problems, unseen }: Finding): string {
  if (problems.length > 0) return '!';
  return unseen === undefined ? ' ' : '?';
}
