import type { EndpointSlice } from '#shared/kubernetes/objects/endpoint-slices.ts';
import { type Finding, type Problem, unseen } from './finding.ts';
import type { InstallationFacts } from './installation-facts.ts';
import { lateProblems, podsByService } from './pods-state.ts';

const about = 'gateways';

/** Checks how many gateways are ready, and how many of them are behind the Service. */
export function checkGateways({ endpoints, pods, found, nowMs }: InstallationFacts): Finding {
  const { url, serviceName } = found.config.webhook;
  if (url !== undefined)
    return { about, summary: `outside the Service, at ${url}`, problems: [], facts: { url } };
  if ('unseen' in endpoints) return unseen(about, endpoints.unseen);
  if ('unseen' in pods) return unseen(about, pods.unseen);
  const ready = readyEndpoints(endpoints.value);
  const state = podsByService(pods.value, nowMs).get('gateway') ?? { total: 0, ready: 0, late: [] };
  const problems: Problem[] = [
    ...(ready.length === 0 ? [noneReady(serviceName)] : []),
    ...lateProblems(state),
  ];
  return {
    about,
    summary: `${state.ready} of ${state.total} ready, ${ready.length} behind the Service ${serviceName}`,
    problems,
    facts: { pods: state.total, ready: state.ready, endpoints: ready.length, late: state.late },
  };
}

/** Selects the ready endpoints as kube-proxy does: one without a condition is ready. */
const readyEndpoints = (slices: readonly EndpointSlice[]) =>
  slices.flatMap((slice) => slice.endpoints ?? []).filter(({ conditions }) => conditions?.ready !== false);

const noneReady = (serviceName: string): Problem => ({
  message: `the Service ${serviceName} has no ready gateway: every labelled pod is rejected`,
  advice: 'docs/runbook.md, "No gateway is ready"; "Bypass the webhook" if that takes too long',
});
