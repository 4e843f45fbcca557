import { randomUUID } from 'node:crypto';
import type { LatchkeyConfig } from '#shared/contracts/latchkey-config.ts';
import type { Secret } from '#shared/kubernetes/kubernetes-object.ts';
import { readObject } from '#shared/kubernetes/read-objects.ts';
import { type Command, exitCodes, type Terminal, UsageError, type Values } from '../command.ts';
import {
  findConfig,
  type Installation,
  installationHelp,
  installationOptions,
  requireOwnCertificates,
  withInstallation,
} from '../installation.ts';
import { type FollowEnd, followRotation } from './follow-rotation.ts';
import { parseDuration } from './parse-duration.ts';
import { jsonWriter, lineWriter, type ProgressWriter, screenWriter } from './progress-writer.ts';
import { type Requested, requestRotation } from './request-rotation.ts';
import type { Target } from './rotation-status.ts';

export const rotateCommand: Command = {
  help: `Usage: latchkey rotate --ca|--leaf [--wait] [--timeout 30m] [--json] [options]

Asks cert-manager for a new CA (--ca) or a new serving certificate (--leaf). It takes one step after the
other and waits until every gateway has followed; with --wait the steps are shown as they happen, and
what each waits for. If a rotation is under way none is started: with --wait that one is shown.
Rights: get and patch of the one Secret; without --config also get of the ConfigMap.

  --ca                 the CA: its next one is trusted first, then used, and in the end the old one is dropped
                       (not before tls.rotation.overlapHours)
  --leaf               the serving certificate, of the same CA
  --wait               until it is done. Ctrl-C ends the watching only: the rotation goes on
  --timeout DURATION   of --wait: 90s, 30m, 2h, 1d; without it 30m, for --ca and the overlap
  --json               one JSON object a line: {at, target, id, outcome, phase, since, waitingFor}
${installationHelp}

Exit codes:
  0    asked for; with --wait: done
  1    refused: by cert-manager, by the API server, or, without --wait, because one is under way
  2    the command line is wrong
  3    another request took the place of this one
  124  not done in time; it goes on
  130  Ctrl-C; it goes on
`,
  options: {
    ...installationOptions,
    ca: { type: 'boolean' },
    leaf: { type: 'boolean' },
    wait: { type: 'boolean' },
    timeout: { type: 'string' },
    json: { type: 'boolean' },
  },
  async run(terminal, values, positionals) {
    if (positionals.length > 0) throw new UsageError('rotate takes options only');
    if ((values.ca === true) === (values.leaf === true)) throw new UsageError('give one of --ca and --leaf');
    if (values.timeout !== undefined) {
      if (values.wait !== true) throw new UsageError('--timeout is of --wait');
      parseDuration(String(values.timeout));
    }
    const target = values.ca === true ? 'ca' : 'leaf';
    return await withInstallation(terminal, values, (installation) =>
      rotate(terminal, values, installation, target),
    );
  },
};

async function rotate(
  terminal: Terminal,
  values: Values,
  installation: Installation,
  target: Target,
): Promise<number> {
  const { kubernetes, namespace } = installation;
  const found = await findConfig(terminal, values, installation);
  requireOwnCertificates(found);
  const { tls } = found.config;
  const name = target === 'ca' ? tls.caSecretName : tls.servingSecretName;
  const readSecret = () => readObject<Secret>(kubernetes, { resource: 'secrets', namespace, name });
  const id = randomUUID();
  const requested = await requestRotation(installation, { target, name, id, readSecret });
  if (values.wait !== true) return leaveAlone(terminal, values, target, requested);
  const writer = createWriter(terminal, values, target, requested);
  const end = await followRotation({
    readSecret,
    target,
    followed: requested.followed,
    timeoutMs: timeoutMs(values, target, tls),
    interrupted: terminal.onInterrupt(),
    onStatus: writer.show,
    clock: terminal.clock,
  });
  writer.end(end);
  return endCodes[end.outcome];
}

const endCodes: Record<FollowEnd['outcome'], number> = {
  done: exitCodes.done,
  refused: exitCodes.refused,
  superseded: exitCodes.superseded,
  timedOut: exitCodes.timedOut,
  interrupted: exitCodes.interrupted,
};

function leaveAlone(
  terminal: Terminal,
  values: Values,
  target: Target,
  { followed, isOurs }: Requested,
): number {
  const { id } = followed;
  const outcome = isOurs ? 'requested' : 'underWay';
  const words = isOurs
    ? `asked for a new ${nouns[target]} (request ${id}); \`latchkey rotate --${target} --wait\` follows it`
    : `nothing was started: a rotation is under way (${id}); --wait follows it`;
  terminal.output.write(
    values.json === true
      ? `${JSON.stringify({ at: new Date(terminal.clock.now()).toISOString(), target, id, outcome })}\n`
      : `${words}\n`,
  );
  return isOurs ? exitCodes.done : exitCodes.refused;
}

const nouns: Record<Target, string> = { ca: 'CA', leaf: 'serving certificate' };

function createWriter(
  terminal: Terminal,
  values: Values,
  target: Target,
  { followed, isOurs }: Requested,
): ProgressWriter {
  const { output } = terminal;
  if (values.json === true) return jsonWriter(terminal, { target, id: followed.id });
  const words = isOurs ? `asked for a new ${nouns[target]}` : 'a rotation is under way, following it';
  output.write(`${words} (${followed.id})\n`);
  return 'isTTY' in output && output.isTTY === true
    ? screenWriter(terminal, target)
    : lineWriter(terminal, target);
}

const defaultTimeout = '30m';

function timeoutMs({ timeout }: Values, target: Target, { rotation }: LatchkeyConfig['tls']): number {
  if (timeout !== undefined) return parseDuration(String(timeout));
  return parseDuration(defaultTimeout) + (target === 'ca' ? rotation.overlapHours * 3_600_000 : 0);
}
