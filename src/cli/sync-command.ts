import type { CliSurroundings } from './surroundings.ts';
import { walkAndPrint } from './walk-windows.ts';
import { withSettings } from './with-settings.ts';

/** `langfuse-mlflow sync` */
export async function runSyncCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  await withSettings(around, { name: 'sync', flags }, (command) =>
    walkAndPrint(command, { kind: 'sync' }),
  );
}
