import { describeAge } from '#shared/core/text/age.ts';
import type { Terminal } from '../command.ts';
import type { FollowEnd } from './follow-rotation.ts';
import type { RotationStatus, Target } from './rotation-status.ts';

type UnderWay = Extract<RotationStatus, { outcome: 'underWay' }>;

/** Shows the progress of a rotation. */
export interface ProgressWriter {
  show(status: UnderWay): void;
  end(end: FollowEnd): void;
}

/** Writes one JSON object a line whenever something has changed. */
export function jsonWriter(
  { output, clock }: Terminal,
  about: { target: Target; id: string },
): ProgressWriter {
  let last = '';
  const write = (fact: RotationStatus | FollowEnd): void => {
    const text = JSON.stringify(fact);
    if (text === last) return;
    last = text;
    output.json({ at: new Date(clock.now()).toISOString(), ...about, ...fact }, 0);
  };
  return { show: write, end: write };
}

/** Writes a line for people whenever something has changed. */
export function lineWriter({ output, clock }: Terminal, target: Target): ProgressWriter {
  let last = '';
  return {
    show: (status) => {
      const text = describe(status);
      if (text === last) return;
      last = text;
      output.line(`${new Date(clock.now()).toISOString().slice(11, 19)}Z ${text}`);
    },
    end: (end) => output.line(describeEnd(end, target)),
  };
}

/** Writes one line a phase, and rewrites it at every poll. */
export function screenWriter({ output, clock }: Terminal, target: Target): ProgressWriter {
  let phase = '';
  const leave = (): void => {
    if (phase !== '') output.line('');
  };
  return {
    show: (status) => {
      if (status.phase !== phase) leave();
      phase = status.phase;
      output.rewrite(describe(status, clock.now()));
    },
    end: (end) => {
      leave();
      output.line(describeEnd(end, target));
    },
  };
}

function describe({ phase, since, waitingFor }: UnderWay, nowMs?: number): string {
  const age =
    since === undefined || nowMs === undefined ? '' : ` for ${describeAge(nowMs - Date.parse(since))}`;
  const waits = waitingFor.length === 0 ? '' : `: waits for ${waitingFor.join(', ')}`;
  return `${phase}${age}${waits}`;
}

const doneText: Record<Target, string> = {
  ca: 'done: every gateway serves a leaf of the new CA, and the old CA is no longer trusted',
  leaf: 'done: every gateway serves the new leaf',
};

function describeEnd(end: FollowEnd, target: Target): string {
  switch (end.outcome) {
    case 'done':
      return doneText[target];
    case 'refused':
      return `refused by cert-manager: ${end.reason}`;
    case 'superseded':
      return `superseded by ${end.by}`;
    case 'timedOut':
      return 'timed out; the rotation continues, `latchkey status` shows its phase';
    case 'interrupted':
      return 'no longer followed; the rotation continues, `latchkey status` shows its phase';
  }
}
