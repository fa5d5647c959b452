import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SYNTH_TIMEOUT_MS, templateWith } from '../infra/synth.ts';
import { ALARM_METRICS } from './cost.ts';
import found from './findings.json' with { type: 'json' };
import { type Findings, simulateQuickly } from './findings.ts';
import { fillPage } from './page.ts';
import { tablesOf } from './tables.ts';

const PAGE = fileURLToPath(new URL('../../docs/cost.md', import.meta.url));
const findings: Findings = found;

// When one of these fails because something changed for good: npm run simulate -- --write
describe('docs/cost.md', () => {
  it('has the tables that the simulation prints', () => {
    const page = readFileSync(PAGE, 'utf8');
    expect(page).toBe(fillPage(page, tablesOf(findings)));
  });

  it('is made of what the functions and the store use today', { timeout: 120_000 }, async () => {
    const { idle, ...rest } = await simulateQuickly();
    expect(findings).toMatchObject(rest);
    expect(findings.idle[0]).toEqual(idle[0]);
  });

  it('counts every metric that an alarm of the stack looks at', { timeout: SYNTH_TIMEOUT_MS }, () => {
    const alarms = Object.values(templateWith().findResources('AWS::CloudWatch::Alarm'));
    const metrics = alarms.map(({ Properties: { Metrics: parts } }) =>
      parts === undefined
        ? 1
        : parts.filter((part: { MetricStat?: unknown }) => part.MetricStat !== undefined).length,
    );
    expect(metrics.reduce((sum, count) => sum + count, 0)).toBe(ALARM_METRICS);
  });
});

describe('fillPage()', () => {
  it('replaces what is between the marks, and nothing else', () => {
    const page = 'a\n<!-- x -->\nold\n<!-- /x -->\nb';
    const filled = fillPage(page, { x: 'new' });
    expect(filled).toBe('a\n<!-- x -->\nnew\n<!-- /x -->\nb');
    expect(fillPage(filled, { x: 'new' })).toBe(filled);
  });

  it('throws for a part that has no place', () => {
    expect(() => fillPage('<!-- /x --><!-- x -->', { x: '' })).toThrow('no place for "x"');
  });
});
