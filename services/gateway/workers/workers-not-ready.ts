/**
 * Says why a pod is not ready for its workers, one sentence each. At the start all of them must serve. Later one suffices:
 * a worker that is being replaced must not take away those that serve, and what one worker does not answer the other does.
 */
export function workersNotReady(serving: number, wanted: number, haveAllServed: boolean): string[] {
  if (serving === 0) return ['no worker serves'];
  return haveAllServed || serving >= wanted ? [] : [`${serving} of ${wanted} workers serve yet`];
}

/** Says what is missing although the pod may be ready, one sentence each. */
export const workersRemarks = (serving: number, wanted: number): string[] =>
  serving < wanted ? [`${serving} of ${wanted} workers serve`] : [];
