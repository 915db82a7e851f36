import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import type { IncidentCommand } from '../domain/incident/types.ts';
import { INCIDENT_LIMITS } from '../domain/limits.ts';

interface Aside {
  readonly command: IncidentCommand;
  readonly scope: CancellationScope;
}

/** Pages and stops that are tried beside the main loop; at the bound the oldest is given up. */
export class Asides {
  private readonly running = new Set<Aside>();

  get commands(): readonly IncidentCommand[] {
    return [...this.running].map(({ command }) => command);
  }

  start(command: IncidentCommand, work: () => Promise<void>): void {
    const [oldest] = this.running;
    if (oldest && this.running.size >= INCIDENT_LIMITS.unfinished) oldest.scope.cancel();
    const aside = { command, scope: new CancellationScope() };
    this.running.add(aside);
    void this.finish(aside, work);
  }

  private async finish(aside: Aside, work: () => Promise<void>): Promise<void> {
    try {
      await aside.scope.run(work);
    } catch (error) {
      const { type, commandId } = aside.command;
      const how = isCancellation(error) ? 'given up' : 'failed';
      log.error(`${type} ${how}`, { commandId, reason: String(error) });
    } finally {
      this.running.delete(aside);
    }
  }
}
