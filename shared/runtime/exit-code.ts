/** Exit codes of the services; the runbook and the manifests rely on them. */
export const exitCode = {
  ok: 0,
  /** A wrong configuration, a failed start, or an unexpected failure. */
  failed: 1,
  /** A newer publisher has taken over this one's prefix; started again, this one stands by. */
  superseded: 3,
  /** latchkey.yaml changed in a way that needs a new start; the kubelet or Compose starts the process again. */
  reconfigured: 4,
  /** Another process may hold the Lease under which this one led; started again, this one stands by. */
  leadershipLost: 5,
  /** The stop took longer than its deadline. */
  deadline: 124,
  /** A second signal ended the process at once. */
  secondSignal: 130,
} as const;
