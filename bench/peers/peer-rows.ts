import { medianInterval } from '#bench/statistics/median-interval.ts';

/** One server in one round. */
export interface PeerRound {
  body: string;
  connections: number;
  server: string;
  round: number;
  perSecond: number;
  /** Requests that the server put off as it was overloaded. */
  shed: number;
  p50Ms: number;
  p99Ms: number;
  /** Unknown of a server whose process is not. */
  cpuMs?: number;
  residentMib?: number;
  /** Part of a core that the client used. */
  clientShare: number;
}

/** One line of the table: medians, with the least and the most where they tell something. */
export interface PeerRow {
  body: string;
  connections: number;
  server: string;
  'requests/s': string;
  'p50 ms': string;
  'p99 ms': string;
  'CPU ms/request': string;
  'RSS MiB': string;
  shed: number;
  'client, of a core': number;
  /** What the first server is to this one, round by round. */
  [ratio: `${string}, requests/s` | `${string}, CPU` | `${string}, p99`]: string;
}

type Figure = 'shed' | 'perSecond' | 'p50Ms' | 'p99Ms' | 'cpuMs' | 'residentMib' | 'clientShare';

/** Sums rounds up, a row for each body, number of connections and server; `subject` is compared with all others. */
export function peerRows(rounds: readonly PeerRound[], subject: string): PeerRow[] {
  const groups = Map.groupBy(rounds, ({ body, connections, server }) =>
    JSON.stringify([body, connections, server]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { body, connections, server } = first;
    const own = rounds.filter(
      (each) => each.server === subject && each.body === body && each.connections === connections,
    );
    const ratio = (figure: Figure): string => spread(ratiosOf(own, group, figure), 'x');
    const compared =
      server === subject
        ? {}
        : {
            [`${subject}, requests/s`]: ratio('perSecond'),
            [`${subject}, CPU`]: ratio('cpuMs'),
            [`${subject}, p99`]: ratio('p99Ms'),
          };
    const figure = (name: Figure): string => spread(valuesOf(group, name));
    return [
      {
        ...{ body, connections, server, 'requests/s': figure('perSecond'), 'p50 ms': figure('p50Ms') },
        ...{ 'p99 ms': figure('p99Ms'), 'CPU ms/request': figure('cpuMs') },
        ...{
          'RSS MiB': figure('residentMib'),
          'client, of a core': Math.max(...valuesOf(group, 'clientShare')),
        },
        shed: valuesOf(group, 'shed').reduce((sum, count) => sum + count, 0),
        ...compared,
      },
    ];
  });
}

const valuesOf = (rounds: readonly PeerRound[], figure: Figure): number[] =>
  rounds.flatMap(({ [figure]: value }) => value ?? []);

/** Of two servers in the same round: what slows the machine down for a while counts in neither. */
const ratiosOf = (own: readonly PeerRound[], others: readonly PeerRound[], figure: Figure): number[] =>
  others.flatMap(({ round, [figure]: value }) => {
    const same = own.find((each) => each.round === round)?.[figure];
    return value === undefined || same === undefined ? [] : [same / value];
  });

/** `median [least-most]`. */
function spread(values: readonly number[], unit = ''): string {
  if (values.length === 0) return '-';
  const [median, least, most] = [medianInterval(values).median, Math.min(...values), Math.max(...values)].map(
    short,
  );
  return `${median}${unit} [${least}-${most}]`;
}

const short = (value: number): string =>
  (value >= 1_000 ? Math.round(value) : Number(value.toPrecision(3))).toLocaleString('en-US', {
    maximumFractionDigits: 6,
  });
