import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import type { Kubernetes } from './connect-kubernetes.ts';
import type { KubernetesCall } from './kubernetes-call.ts';

const reads: ReadonlySet<KubernetesCall['verb']> = new Set(['get', 'list', 'watch']);

/**
 * Makes a connection that writes nothing once its process does not lead any more. A leader that was paused
 * may wake up in the middle of a plan that its successor has overtaken, and a create has no precondition. What is already
 * on its way, or sent by a machine whose clock stood still as well, is held back by the resourceVersion of every other
 * write, and a create put right by the leader's own watch.
 * @throws LEADERSHIP_LOST from `json` for a write of a process that does not lead
 */
export const withWriteFence = (kubernetes: Kubernetes, isLeading: () => boolean): Kubernetes => ({
  stream: (call, signal) => kubernetes.stream(call, signal),
  close: () => kubernetes.close(),
  json: async (call, signal) => {
    if (reads.has(call.verb) || isLeading()) return kubernetes.json(call, signal);
    throw new LatchkeyError(
      'LEADERSHIP_LOST',
      `${call.verb} ${call.path} was not sent: another process leads`,
      {
        fields: { verb: call.verb },
      },
    );
  },
});
