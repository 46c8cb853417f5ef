import { ignoreProgress } from '../shared/progress.ts';
import { createLineProgress } from './create-line-progress.ts';
import type { ProgressDisplay } from './progress-display.ts';

/**
 * The display that fits: nothing when `isQuiet` (for `--json`), a bar where `stream` is a terminal,
 * plain lines elsewhere. Progress goes to stderr: stdout is for results.
 */
export async function createProgress({
  stream,
  isQuiet,
}: {
  stream: NodeJS.WriteStream;
  isQuiet: boolean;
}): Promise<ProgressDisplay> {
  const write = (text: string): void => {
    stream.write(text);
  };
  if (isQuiet) return { report: ignoreProgress, write, [Symbol.dispose]: () => {} };
  if (!stream.isTTY) return createLineProgress({ write });
  // Loaded only where something is drawn, so that --help stays quick.
  const { createTerminalProgress } = await import('./create-terminal-progress.ts');
  return createTerminalProgress({ stream });
}
