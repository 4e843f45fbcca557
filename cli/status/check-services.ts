import { type Finding, type Problem, unseen } from './finding.ts';
import type { InstallationFacts } from './installation-facts.ts';
import { lateProblems, type PodsState, podsByService } from './pods-state.ts';

const about = 'services';

/** Checks the pods of every other service, and of NATS where it runs in the namespace. */
export function checkServices({ pods, found, nowMs, namespace }: InstallationFacts): Finding {
  if ('unseen' in pods) return unseen(about, pods.unseen);
  const byService = podsByService(pods.value, nowMs);
  byService.delete('gateway');
  // Where there is no Service routing the services run elsewhere too, as with Compose.
  const expected =
    found.config.webhook.url !== undefined && byService.size === 0
      ? []
      : ['cert-manager', 'discovery', ...found.config.chain.map((manager) => `resolver-${manager}`)];
  const names = [...new Set([...expected, ...byService.keys()])].sort();
  const stateOf = (name: string): PodsState => byService.get(name) ?? { total: 0, ready: 0, late: [] };
  const missing: Problem[] = expected
    .filter((name) => !byService.has(name))
    .map((name) => ({
      message: `${name} does not run`,
      advice: `check that it is installed in namespace ${namespace} and not scaled to 0`,
    }));
  return {
    about,
    summary:
      names.map((name) => `${name} ${stateOf(name).ready}/${stateOf(name).total}`).join(', ') ||
      'outside of the cluster',
    problems: [...missing, ...names.flatMap((name) => lateProblems(stateOf(name)))],
    facts: Object.fromEntries(names.map((name) => [name, stateOf(name)])),
  };
}
