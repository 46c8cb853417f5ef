/** The region of the AWS profile, from the shared files; null where they hold none. The environment is asked elsewhere. */
export async function findProfileRegion(): Promise<string | null> {
  const { loadConfig } = await import('@smithy/core/config');
  // As the clients of the SDK look: `credentials` before `config`, by AWS_PROFILE.
  const load = loadConfig<string | null>(
    {
      // Where AWS_REGION is set but empty, as compose files do it, a client would take that for its region.
      environmentVariableSelector: () => undefined,
      configFileSelector: ({ region }) => (region === '' ? undefined : region),
      default: null,
    },
    { preferredFile: 'credentials' },
  );
  return load();
}
