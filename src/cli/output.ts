import { AppError } from '../shared/errors.ts';

interface Output {
  /** Writes one JSON object to stdout; a second one is dropped. */
  readonly printJson: (value: Readonly<Record<string, unknown>>) => void;
  /** Says on stderr that the result was lost (a full disk, say), and sets the exit code. */
  readonly reportLoss: (setExitCode: (code: number) => void) => void;
  /** Waits until both streams have handed on everything, or can't any more. */
  readonly flush: () => Promise<void>;
}

/** Owns what becomes of stdout and stderr. A reader that goes away (`| head`) is no failure of the command. */
export function createOutput(process: NodeJS.Process): Output {
  const { stdout, stderr } = process;
  let lost: NodeJS.ErrnoException | null = null;
  let hasPrinted = false;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') lost = error;
  });
  // Nobody is left to be told.
  stderr.on('error', () => {});
  return {
    printJson: (value) => {
      if (hasPrinted) return;
      hasPrinted = true;
      stdout.write(`${JSON.stringify(value)}\n`);
    },
    reportLoss: (setExitCode) => {
      if (lost === null) return;
      const error = new AppError(
        'OUTPUT_LOST',
        `The result could not be written: ${lost.message}.`,
      );
      stderr.write(`error: ${error.message}\nnext:  ${error.hint}\n`);
      setExitCode(error.exitCode);
    },
    flush: async () => {
      await Promise.all([stdout, stderr].map(drain));
    },
  };
}

function drain(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
