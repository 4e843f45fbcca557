import { encodeAnnotation } from '#shared/core/flyte/secret-request.ts';

/** As much of an AdmissionReview of a pod as is changed here. */
export interface PodReview {
  request: {
    namespace: string;
    object: {
      metadata: { annotations: Record<string, string> };
      spec: { containers: { name: string }[] };
    };
  };
}

/** How a review is generated from a recorded one. */
export interface ReviewSize {
  secrets: number;
  /** Absent: those of the recorded review. */
  containers?: number;
  /** Part of each secret's group: other names ask for other secrets. */
  prefix?: string;
}

const annotationPrefix = 'flyte.secrets/s';
const [environment, file] = [1, 2];

/** Name of the group, which is that of the Kubernetes Secret, of one secret asked for; its key is {@link secretKey}. */
export const groupOf = (index: number, prefix = 'team'): string => `${prefix}-credentials-${index}`;
export const secretKey = 'token';

/**
 * Returns a recorded review with so many secrets asked for instead of its own, every other as a file, and with so many copies
 * of its first container.
 */
export function generatedReview<Review extends PodReview>(
  recorded: Review,
  { secrets, containers, prefix }: ReviewSize,
): Review {
  const review = structuredClone(recorded);
  const { metadata, spec } = review.request.object;
  const others = Object.entries(metadata.annotations).filter(([name]) => !name.startsWith(annotationPrefix));
  const asked = Array.from({ length: secrets }, (_, index) => [
    `${annotationPrefix}${index}`,
    encodeAnnotation({
      group: groupOf(index, prefix),
      groupVersion: '',
      key: secretKey,
      mountRequirement: index % 2 === 0 ? environment : file,
      envVar: '',
    }),
  ]);
  metadata.annotations = Object.fromEntries([...others, ...asked]);
  const [first] = spec.containers;
  if (containers !== undefined && first !== undefined) {
    spec.containers = Array.from({ length: containers }, (_, index) => ({
      ...first,
      name: `${first.name}-${index}`,
    }));
  }
  return review;
}
