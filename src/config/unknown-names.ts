import { nearest } from './nearest.ts';
import type { Problem } from './problem.ts';
import type { AnySetting } from './setting.ts';

/** Kubernetes gives each pod variables for each service, also for one that is called `sync-…`. */
const serviceLink =
  /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/;

/**
 * Problems for variables that begin with `SYNC_` and are no setting: a typo there would otherwise go
 * unseen and the default be used.
 */
export function findUnknownNames(
  environments: readonly Readonly<Record<string, string | undefined>>[],
  settings: readonly AnySetting[],
): Problem[] {
  const known = new Set(settings.flatMap((setting) => namesOf(setting)));
  const own = [...known].filter((name) => name.startsWith('SYNC_'));
  const names = environments.flatMap((environment) => setNames(environment));
  const unknown = [...new Set(names)].filter(
    (name) => name.startsWith('SYNC_') && !known.has(name) && !serviceLink.test(name),
  );
  return unknown.map((name) => {
    const meant = nearest(name, own);
    const advice =
      meant === null ? 'docs/configuration.md lists every setting' : `did you mean ${meant}?`;
    return { setting: name, line: `${name}: is no setting of this worker; ${advice}` };
  });
}

/** A variable that is set and looks like a misspelt name of `setting`, or null. */
export function findMisspelling(
  setting: AnySetting,
  environments: readonly Readonly<Record<string, string | undefined>>[],
): string | null {
  const [name] = setting.env;
  const prefix = `${name.split('_')[0]}_`;
  const candidates = environments
    .flatMap((environment) => setNames(environment))
    .filter((candidate) => candidate.startsWith(prefix));
  return candidates.find((candidate) => isLikely(candidate, name)) ?? null;
}

function isLikely(candidate: string, name: string): boolean {
  const isSameLetters = candidate.replaceAll('_', '') === name.replaceAll('_', '');
  return isSameLetters || nearest(candidate, [name]) !== null;
}

function namesOf(setting: AnySetting): string[] {
  return setting.env.flatMap((name) => (setting.fromFile ? [name, `${name}_FILE`] : [name]));
}

function setNames(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(environment).filter((name) => (environment[name] ?? '') !== '');
}
