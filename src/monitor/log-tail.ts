/** The end of a log, for those who are told of the run. */
export interface LogTail {
  readonly add: (text: string) => void;
  /** The last lines, at most about 8 KB of them. */
  readonly read: () => string;
}

const mostLines = 100;
const mostCharacters = 8000;

export function createLogTail(): LogTail {
  const lines: string[] = [];
  return {
    add: (text) => {
      lines.push(...text.split('\n').filter((line) => line !== ''));
      lines.splice(0, Math.max(0, lines.length - mostLines));
    },
    read: () => lines.join('\n').slice(-mostCharacters),
  };
}
