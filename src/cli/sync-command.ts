import type { CliSurroundings } from './surroundings.ts';
import { walkWindows } from './walk-windows.ts';
import { withSettings } from './with-settings.ts';

/** `langfuse-mlflow sync` */
export async function runSyncCommand(
  around: CliSurroundings,
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  await withSettings(around, { name: 'sync', flags }, (command) =>
    walkWindows(command, { kind: 'sync' }),
  );
}
