import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { toldToStop } from '../../local/told-to-stop.ts';

function scene() {
  const exits: number[] = [];
  const host = Object.assign(new EventEmitter(), { exit: (code: number) => void exits.push(code) });
  let timeMs = 0;
  const told = toldToStop(host, () => new Date(timeMs));
  const signal = (name: 'SIGINT' | 'SIGTERM', atMs: number) => {
    timeMs = atMs;
    host.emit(name);
  };
  return { told, signal, exits };
}

it.each(['SIGINT', 'SIGTERM'] as const)(
  'a %s that comes twice, from the terminal and from npm, lets end what is in hand',
  async (name) => {
    const { told, signal, exits } = scene();
    signal(name, 0);
    await told;
    signal(name, 0);
    signal(name, 900);
    expect(exits).toEqual([]);
  },
);

it('a second Ctrl-C of somebody who waits no longer ends the process at once', () => {
  const { signal, exits } = scene();
  signal('SIGINT', 0);
  signal('SIGINT', 1_001);
  expect(exits).toEqual([1]);
});
