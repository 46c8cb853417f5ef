/** What `--help` costs: a process of the compiled command line, which tells at its end what it used. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Measured } from './figures.ts';

const run = promisify(execFile);
/** Of the whole process, from its start. */
const teller = `data:text/javascript,${encodeURIComponent(
  `process.on('exit', () => {
    const { user, system } = process.cpuUsage();
    const cpuMs = (user + system) / 1000;
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    process.stderr.write(JSON.stringify({ cpuMs, peakBytes }));
  });`,
)}`;

export async function measureHelp(cli: string): Promise<Measured> {
  const begin = performance.now();
  const { stdout, stderr } = await run(process.execPath, ['--import', teller, cli, '--help']);
  if (!stdout.includes('Usage:')) throw new Error('--help printed no help');
  const used = JSON.parse(stderr) as { readonly cpuMs: number; readonly peakBytes: number };
  const wallMs = performance.now() - begin;
  return { ...used, wallMs, aggregates: null, notes: {}, requests: 0, limited: 0 };
}
