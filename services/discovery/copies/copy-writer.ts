import { LatchkeyError } from '#shared/contracts/error-registry.ts';
import { createSecret, deleteSecret, replaceSecret } from '#shared/kubernetes/objects/secrets.ts';
import type { Kubernetes } from '#shared/kubernetes/requests/connect-kubernetes.ts';
import type { CopyLedger } from './copy-ledger.ts';
import { type CopyStep, copyType } from './copy-plan.ts';
import type { DesiredCopy } from './desired-copy.ts';
import { labelsOfCopy, ownedCopy } from './owned-copy.ts';

/** Carries out steps, and notes each answer in the ledger. */
export interface CopyWriter {
  /**
   * Carries out one step. Uses (create, update, delete) of secrets.
   * @throws the error of the call that failed
   */
  write(namespace: string, step: CopyStep): Promise<void>;
}

export function createCopyWriter(
  kubernetes: Kubernetes,
  ledger: CopyLedger,
  installation: string,
): CopyWriter {
  const secretOf = ({ data }: DesiredCopy, metadata: { name: string; namespace: string }) => ({
    type: copyType,
    data: { ...data },
    metadata: { ...metadata, labels: labelsOfCopy(installation) },
  });
  const note = (stored: Parameters<typeof ownedCopy>[0], { keys }: DesiredCopy): void => {
    const copy = ownedCopy(stored);
    if (copy !== undefined) ledger.stored(copy, keys);
  };
  const create = async (namespace: string, name: string, wanted: DesiredCopy): Promise<void> =>
    note(await createSecret(kubernetes, secretOf(wanted, { name, namespace })), wanted);
  const remove = async (
    namespace: string,
    { name, uid, resourceVersion }: { name: string; uid: string; resourceVersion: string },
  ): Promise<void> => {
    await deleteSecret(kubernetes, { namespace, name, uid, resourceVersion }).catch(unlessGone);
    ledger.removed(namespace, name, uid);
  };

  return {
    write: async (namespace, step) => {
      const { name } = step;
      if (step.kind === 'delete') return remove(namespace, step);
      if (step.kind === 'create') return create(namespace, name, step.wanted);
      const secret = secretOf(step.wanted, { name, namespace });
      const { resourceVersion } = step;
      const metadata = { ...secret.metadata, resourceVersion };
      try {
        note(await replaceSecret(kubernetes, { ...secret, metadata }), step.wanted);
      } catch (err) {
        // It was made immutable, or got another type, since it was seen.
        if (!isInvalid(err)) throw err;
        await remove(namespace, step);
        await create(namespace, name, step.wanted);
      }
    },
  };
}

const isInvalid = (err: unknown): boolean => err instanceof LatchkeyError && err.fields.statusCode === 422;

function unlessGone(err: unknown): void {
  if (!(err instanceof LatchkeyError) || err.code !== 'KUBERNETES_NOT_FOUND') throw err;
}
