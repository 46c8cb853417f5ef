import { planUpdate, type UpdatePlan } from '../../src/gateway/plan-update.ts';

/** The plan for a file that includes none. */
export function planOne(text: string, removesMlflow = false): UpdatePlan {
  return planUpdate(
    { path: 'config.yaml', text },
    { removesMlflow, disk: { resolve: (entry) => entry, read: () => null } },
  );
}
