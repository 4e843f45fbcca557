import { admit } from '#shared/core/admission/admit.ts';
import { type Decide, judgeAdmission } from './admission-oracle.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { fuzzedPod, fuzzedReview, fuzzedWorlds, hostilePod } from './fuzzed-pods.ts';
import { below, jsonBytes, mutateBytes, mutateJson } from './mutate.ts';

/**
 * Reviews of task pods, half of them as they are, the others changed in their structure or their bytes.
 * @param decide what is tried
 */
export function admitTarget(decide: Decide = admit): FuzzTarget {
  return {
    name: 'admit',
    share: 60,
    open: () => {
      const worlds = fuzzedWorlds();
      return {
        run: (random, notes) => {
          const { rules, ask } = random.pick(worlds);
          const pod = random.chance(0.002) ? hostilePod(random, ask) : fuzzedPod(random, ask);
          const changes = random.chance(0.5) ? 0 : 1 + below(random, 3);
          for (let left = changes; left > 0; left--) mutateJson(random, pod);
          let review: unknown = fuzzedReview(random, pod);
          if (random.chance(0.03)) review = mutateJson(random, review);
          const sound = jsonBytes(review);
          const body = random.chance(0.06) ? mutateBytes(random, sound) : sound;
          notes.input(body);
          judgeAdmission(decide, body, rules, notes);
        },
      };
    },
  };
}
