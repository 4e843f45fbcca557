import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generatedReview } from '#bench/core/generated-review.ts';

/** Reviews that are asked in turn. */
export interface PeerBody {
  name: string;
  reviews: readonly string[];
}

const golden = join(import.meta.dirname, '../../test/golden');
/** The gateway remembers about 60 plans of 50 secrets, the oldest goes first: of so many in turn it finds none. */
const differentReviews = 120;
const secretsOfReview = 50;

/** The bodies to measure with: recorded ones, each asked again and again, and many that all ask for other secrets. */
export async function peerBodies(): Promise<PeerBody[]> {
  const [small = '', large = '', many = ''] = await Promise.all(
    ['review.json', 'review-12k.json', 'review-50.json'].map((name) => readFile(join(golden, name), 'utf8')),
  );
  const base = JSON.parse(small);
  const different = Array.from({ length: differentReviews }, (_, index) =>
    JSON.stringify(generatedReview(base, { secrets: secretsOfReview, prefix: `team-${index}` })),
  );
  return [
    { name: '5 KB, 2 secrets', reviews: [small] },
    { name: '12 KB, 2 secrets', reviews: [large] },
    { name: '50 secrets', reviews: [many] },
    { name: '50 secrets, every review different', reviews: different },
  ];
}
