import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { BOMBS } from './bombs.ts';

const EXPLODE = fileURLToPath(new URL('./explode.ts', import.meta.url));
const MAX_CPU_MS = 3_000;
/** Of the whole process, without the message itself. */
const MAX_MEMORY_MB = 256;

const lines: string[] = [];
afterAll(() => process.stdout.write(`${lines.join('\n')}\n`));

describe('a MIME bomb in a process of its own', () => {
  it.each(Object.keys(BOMBS))('of %s takes less than 3 s of CPU and 256 MB, and keeps its header', (name) => {
    const cost = JSON.parse(execFileSync(process.execPath, [EXPLODE, name], { encoding: 'utf8' }));
    lines.push(`${name}: ${cost.cpuMs} ms, ${cost.memoryMb} MB`);
    expect(cost).toMatchObject({ subject: 'bomb', messageId: '<1@x.example>' });
    expect(cost.cpuMs).toBeLessThan(MAX_CPU_MS);
    expect(cost.memoryMb).toBeLessThan(MAX_MEMORY_MB);
  });
});
