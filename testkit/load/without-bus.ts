import { setTimeout as delay } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import { aTaskPod } from '#testkit/pods/task-pod.ts';
import type { AcceptedAnswer, AdmissionLoad, LoadCase } from './admission-load.ts';
import { aCase, agreedAnswer, createKnownSecret, loadNamespace } from './known-cases.ts';
import type { LoadInstallation } from './load-installation.ts';

/** A Secret that changes while the bus is away, as a case of the load, with its answers before and after. */
export interface ChangingCase {
  case: LoadCase;
  pod: V1Pod;
  before: AcceptedAnswer;
  after: AcceptedAnswer;
  change: () => Promise<unknown>;
}

const denied = (code: number): AcceptedAnswer => ({ code });
const askingFor = (name: string) => ({ group: name, key: 'password', mount: 'FILE' }) as const;
const podOf = (name: string): V1Pod => aTaskPod(loadNamespace, `load-${name}`, [askingFor(name)]);

/** A Secret that will be deleted: until the gateways hear of it they go on injecting it. */
export async function deletedCase(installation: LoadInstallation): Promise<ChangingCase> {
  await createKnownSecret(installation, 'deleted');
  const known = await aCase(installation, 'deleted', askingFor('deleted'), 200);
  return {
    case: known,
    pod: podOf('deleted'),
    before: known.accept[0] ?? denied(0),
    after: denied(404),
    change: () => deleteSecret(installation, 'deleted'),
  };
}

/** A Secret that will be created: what its pod gets is found out beforehand, with one that is deleted again. */
export async function createdCase(installation: LoadInstallation): Promise<ChangingCase> {
  await createKnownSecret(installation, 'created');
  const known = await aCase(installation, 'created', askingFor('created'), 200);
  await deleteSecret(installation, 'created');
  await agreedAnswer(installation, podOf('created'), 404);
  return {
    case: { ...known, accept: [denied(404)] },
    pod: podOf('created'),
    before: denied(404),
    after: known.accept[0] ?? denied(0),
    change: () => createKnownSecret(installation, 'created'),
  };
}

const deleteSecret = ({ cluster }: LoadInstallation, name: string) =>
  cluster.harness.core.deleteNamespacedSecret({ namespace: loadNamespace, name });

interface Outage {
  installation: LoadInstallation;
  load: AdmissionLoad;
  deleted: ChangingCase;
  created: ChangingCase;
  /** After so long without a word of a manager a missing secret is no longer called missing, ms. */
  staleAfterMs: number;
  outageMs: number;
  /** While the bus is away, once the gateways must know that they are not up to date. */
  meanwhile: () => Promise<void>;
}

/**
 * Stops the bus for a while, changes two Secrets meanwhile, and narrows what may be answered at each step: known
 * secrets are injected all the time, unknown ones are 503 as soon as knowledge is stale, and in the end everything is
 * as Kubernetes says. Returns how long that took after the bus had come back, ms.
 */
export async function withoutBus(outage: Outage): Promise<number> {
  const { installation, load, deleted, created, staleAfterMs, outageMs, meanwhile } = outage;
  const { nats } = installation.cluster;
  const unknown = ['missing', created.case.name];
  for (const name of unknown) load.accept(name, [denied(404), denied(503)]);
  await load.untilAnswered(5);
  const awaySinceMs = performance.now();
  await nats.kill9();
  await Promise.all([deleted.change(), created.change()]);
  await delay(staleAfterMs + 2_000);
  for (const name of unknown) load.accept(name, [denied(503)]);
  await meanwhile();
  await delay(Math.max(0, awaySinceMs + outageMs - performance.now()));

  load.accept('missing', [denied(404), denied(503)]);
  load.accept(created.case.name, [denied(503), created.before, created.after]);
  load.accept(deleted.case.name, [deleted.before, deleted.after, denied(503)]);
  await load.untilAnswered(5);
  await nats.start();
  const backSinceMs = performance.now();
  await Promise.all([
    agreedAnswer(installation, created.pod, created.after.code),
    agreedAnswer(installation, deleted.pod, deleted.after.code),
    agreedAnswer(installation, podOf('missing'), 404),
  ]);
  const convergedMs = performance.now() - backSinceMs;
  load.accept('missing', [denied(404)]);
  load.accept(created.case.name, [created.after]);
  load.accept(deleted.case.name, [deleted.after]);
  await load.untilAnswered(50);
  return convergedMs;
}
