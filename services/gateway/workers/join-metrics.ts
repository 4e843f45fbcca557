/** Metrics of one worker in the Prometheus text format. */
export interface WorkerText {
  worker: number;
  text: string;
}

/** One metric: its lines `# HELP` and `# TYPE`, and its samples. */
interface Family {
  comments: string[];
  samples: string[];
}

/**
 * Joins the metrics of workers to those of the primary, as one page. Each sample of a worker gets the label `worker`: summed,
 * a counter would fall when a worker is replaced. What a process says of itself (`target_info`) is the primary's.
 */
export function joinMetrics(own: string, workers: readonly WorkerText[]): string {
  const joined = familiesOf(own);
  for (const { worker, text } of workers) {
    for (const [name, { comments, samples }] of familiesOf(text)) {
      if (name === 'target_info') continue;
      const family = joined.get(name) ?? { comments, samples: [] };
      joined.set(name, family);
      for (const sample of samples) family.samples.push(labelled(sample, `worker="${worker}"`));
    }
  }
  const lines = [...joined.values()].flatMap(({ comments, samples }) => [...comments, ...samples]);
  return `${lines.join('\n')}\n`;
}

/** Reads a page, on which the samples of a metric stand behind its comments. */
function familiesOf(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let family: Family = { comments: [], samples: [] };
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, name] = /^# (?:HELP|TYPE) (\S+)/.exec(line) ?? [];
    if (name === undefined) {
      if (!line.startsWith('#')) family.samples.push(line);
      continue;
    }
    family = families.get(name) ?? { comments: [], samples: [] };
    families.set(name, family);
    family.comments.push(line);
  }
  return families;
}

const labelled = (sample: string, label: string): string =>
  sample.replace(/^([^\s{]+)(\{?)/, (_begin, name: string, brace: string) =>
    brace === '' ? `${name}{${label}}` : `${name}{${label},`,
  );
