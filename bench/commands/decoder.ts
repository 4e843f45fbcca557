import { performance } from 'node:perf_hooks';
import { encodeBase32 } from '#shared/core/flyte/base32.ts';
import { decodeAnnotation } from '#shared/core/flyte/secret-request.ts';

/**
 * How the decoder's time grows with the length of an annotation: `npm run bench:decoder`. Figures are times per byte, so
 * that a row of equal numbers is linear; they are compared within one run only, for machines differ.
 */
const shapes: Record<string, (bytes: number) => string> = {
  'one long string': (bytes) => `group: "${'g'.repeat(bytes)}" key: "k"`,
  'octal escapes': (bytes) => `group: "${'\\101'.repeat(bytes / 4)}" key: "k"`,
  'adjacent strings': (bytes) => `group: ${'"a" '.repeat(bytes / 4)} key: "k"`,
  comments: (bytes) => `${'#c\n'.repeat(bytes / 3)}group: "g" key: "k"`,
  'white space': (bytes) => `group:${' '.repeat(bytes)}"g" key: "k"`,
  'open braces': (bytes) => '{'.repeat(bytes),
  'unclosed string': (bytes) => `group: "${'\\"'.repeat(bytes / 2)}`,
};
const sizes = [50_000, 100_000, 200_000, 400_000];
const rounds = 5;

/** Best time of several rounds, ns per byte of text. */
function nsPerByte(text: string): number {
  const annotation = encodeBase32(Buffer.from(text));
  let bestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const startedAtMs = performance.now();
    try {
      decodeAnnotation('flyte.secrets/s0', annotation);
    } catch {
      // Most shapes are refused: what counts is how long that takes.
    }
    bestMs = Math.min(bestMs, performance.now() - startedAtMs);
  }
  return (bestMs * 1e6) / text.length;
}

const rows = Object.entries(shapes).map(([shape, make]) => {
  const figures = sizes.map((bytes) => [`${bytes / 1_000} kB`, Number(nsPerByte(make(bytes)).toFixed(1))]);
  return { shape, ...Object.fromEntries(figures) };
});
process.stdout.write('ns per byte of text, best of 5\n');
console.table(rows);
