import type { Maintenance } from '../../shared/aws/store/maintenance.ts';
import type { Log } from '../../shared/ports/log.ts';
import { plan } from '../poll/plan.ts';

/** Maintenance gives way to the next tick; what is left goes on there. */
const MAINTENANCE_MS = 40_000;

type TickDeps = Parameters<typeof plan>[0] & { readonly store: Maintenance; readonly log: Log };

/** One minute's work: what is due is enqueued first, then the store has some time for itself. Throws when either fails. */
export async function tick(deps: TickDeps): Promise<void> {
  deps.log.info('plan.finished', await plan(deps));
  const startedAt = deps.clock.now();
  const goOn = () => deps.clock.now().getTime() - startedAt.getTime() < MAINTENANCE_MS;
  try {
    await deps.store.maintain(startedAt, goOn);
  } catch (error) {
    const errors = error instanceof AggregateError ? error.errors : [error];
    for (const one of errors) deps.log.error('maintenance.failed', { error: String(one) });
    throw error;
  }
}
